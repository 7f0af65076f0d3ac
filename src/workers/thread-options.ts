import { Worker } from 'node:worker_threads';

/** How a worker thread is started, where it is not as this process was. */
export interface ThreadOptions {
  readonly execArgv?: string[];
  readonly env?: Record<string, string>;
}

/** What says in which language a program without a file is: Node refuses it to threads, whose programs are files. */
const inputType = /^--(?:experimental-)?(?:input-type|default-type)(?:=|$)/;
/** What is followed by the text of a program. */
const evaluates = /^(?:-e|--eval|-p|--print|-pe)$/;

/** `flags` without the program itself and its language. */
function ofFiles(flags: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] as string;
    if (evaluates.test(flag) || flag === '--input-type') i++;
    else if (!inputType.test(flag)) kept.push(flag);
  }
  return kept;
}

/**
 * The options for threads of this program. A thread has the flags of its process, unless some must not be: then it has to be
 * given the others, of which Node takes those that are not the whole process's.
 */
export function threadOptions(): ThreadOptions {
  const { execArgv, env } = process;
  const { NODE_OPTIONS: inherited = '' } = env;
  const words = inherited.split(/\s+/);
  if (![...execArgv, ...words].some((flag) => inputType.test(flag))) return {};
  const flags = ofFiles(execArgv);
  const refused = refusedFlags(flags);
  const given = flags.filter((flag) => !refused.includes(flag));
  const kept = Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
  return { execArgv: given, env: { ...kept, NODE_OPTIONS: ofFiles(words).join(' ') } };
}

/** Not a flag of Node's. */
const UNKNOWN = '--mobula-unknown-flag';

/** Those of `flags` that Node refuses for a thread. One that it never knows keeps it from starting the thread. */
function refusedFlags(flags: readonly string[]): string {
  try {
    void new Worker('', { eval: true, execArgv: [...flags, UNKNOWN] }).terminate();
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
}
