/** `must`: it works in a worker as it does here. `may`: the same, or it is refused with a typed error; never with another result. */
export type Mark = 'must' | 'may';

/** Runs code of a program: here, or in a worker. */
export interface Call {
  /** Calls a function; gives its value, or all that it yields as an array. Calls of one function go to one remote function. */
  // biome-ignore lint/suspicious/noExplicitAny: only `any` accepts every function
  (fn: (...args: any[]) => unknown, ...args: unknown[]): Promise<unknown>;
  /** Makes an instance, or an actor; its methods give promises. */
  // biome-ignore lint/suspicious/noExplicitAny: only `any` accepts every class
  actor(actor: new (...args: any[]) => unknown, ...args: unknown[]): any;
  /** Whether the code runs in a worker. */
  readonly remotely: boolean;
}

/** A program that gives a value, or throws, here and in a worker. */
export interface Program {
  readonly name: string;
  readonly mark: Mark;
  /** `call` is the only way in which it runs the code under test, or it asks `call.remotely` and uses mobula itself. */
  readonly run: (call: Call) => unknown;
  /** What a refusal has to name: a variable, or the path of a value. Nothing is asked of minified code. */
  readonly names?: string;
}

type Run = Program['run'];

/** A program that has to work. */
export function must(name: string, run: Run): Program {
  return { name, mark: 'must', run };
}

/** A program that works or is refused. `names`: what the refusal has to name. */
export function may(name: string, run: Run, names?: string): Program {
  return names === undefined ? { name, mark: 'may', run } : { name, mark: 'may', run, names };
}

/** A program that has to work and whose remote part uses mobula itself; `here` says in plain code what it has to give. */
export function mustEqual(name: string, here: () => unknown, there: () => unknown): Program {
  return must(name, (call) => (call.remotely ? there() : here()));
}

const inlined = process.env['MOBULA_BATTERY_INLINED'] ?? 'nothing';

/**
 * A program that has to work where the modules it imports are loaded in the worker as they are. A bundle, and Vitest for
 * TypeScript, have them in the text of the script: then it may be refused.
 */
export function mustByModule(name: string, run: Run): Program {
  return inlined === 'nothing' ? must(name, run) : may(name, run);
}

/** The same for a program that imports a package: Vitest leaves packages as they are. */
export function mustByPackage(name: string, run: Run): Program {
  return inlined === 'packages' ? may(name, run) : must(name, run);
}

/** The kind of error that `run` fails with, or `none`: for programs in which a first call is too early. */
export async function failure(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
    return 'none';
  } catch {
    return 'failed';
  }
}
