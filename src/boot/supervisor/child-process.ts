import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { CHANNEL_FD, type Exit, type Order, type Report } from './contract.ts';
import { readLines } from './lines.ts';

/** What is told of a child. Nothing comes after `exited`. */
export interface ChildEvents<Ready> {
  reported(report: Report<Ready>): void;
  /** `problem`: what the system said where no process could be started. */
  exited(exit: Exit, problem?: string): void;
}

/** A process that keeps to the contract (`contract.ts`). */
export interface Child {
  /** Undefined: it could not be started, and `exited` comes. */
  readonly pid: number | undefined;
  order(order: Order): void;
  /** Sends a signal; SIGKILL goes to what the child has started, too. */
  kill(signal: NodeJS.Signals): void;
  /** Whether this process stays alive for the child. Default: it does. */
  hold(alive: boolean): void;
}

/** Where a child's output goes: a descriptor of this process. */
export type Output = number | 'ignore';

/** A child learns these by its configuration alone; user code in it has no use for them. */
const withheld: readonly string[] = ['MOBULA_AUTH_TOKEN', 'MOBULA_ADDRESS'];

/** Starts `entry` with this Node, and hands it `config`. */
export function startChild<Ready>(entry: URL, config: object, output: Output, events: ChildEvents<Ready>): Child {
  const child = spawn(process.execPath, [fileURLToPath(entry)], {
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !withheld.includes(name))),
    // A group of its own: a terminal's Ctrl-C is for the supervisor, which then drains.
    detached: true,
    stdio: ['ignore', output, output, 'pipe'],
  });
  const pid = child.pid;
  // Without descriptors left there is no `stdio`, whatever its type says.
  const stdio = child.stdio as typeof child.stdio | undefined;
  const channel = stdio?.[CHANNEL_FD] as Socket | undefined;
  if (pid === undefined || channel === undefined) {
    child.on('error', (error) => events.exited({ pid: 0, code: null, signal: null }, error.message));
    return { pid: undefined, order() {}, kill() {}, hold() {} };
  }
  let alive = true;
  // Of a signal that could not be sent: the child is dead already.
  child.on('error', () => {});
  // Its exit is what counts; what is written until then is lost.
  channel.on('error', () => {});
  child.on('exit', () => killGroup(pid));
  // 'exit' may come before what the child reported last; this comes after it.
  child.on('close', (code, signal) => {
    alive = false;
    events.exited({ pid, code, signal });
  });
  readLines(
    channel,
    (value) => events.reported(value as Report<Ready>),
    () => child.kill('SIGKILL'),
  );
  channel.write(`${JSON.stringify(config)}\n`);
  return {
    pid,
    order: (order) => void channel.write(`${JSON.stringify(order)}\n`),
    kill(signal) {
      if (!alive) return;
      child.kill(signal);
      if (signal === 'SIGKILL') killGroup(pid);
    },
    hold(held) {
      if (held) child.ref();
      else child.unref();
      if (held) channel.ref();
      else channel.unref();
    },
  };
}

/** Ends what a child has started and left. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is empty.
  }
}
