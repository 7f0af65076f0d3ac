/** The records between a thread and the core: `crates/mobula-sched/src/wire.rs` is the other side of this file. */

/** Set in a value's length word when lists of refs and buffers follow its bytes. */
export const LINKED = 0x80000000;

export const op = {
  submit: 1,
  subscribe: 2,
  release: 3,
  result: 4,
  put: 5,
  yield: 6,
  pending: 7,
  block: 8,
  cancel: 9,
  credit: 10,
  kill: 11,
  run: 12,
  line: 13,
  here: 14,
  lose: 15,
  bring: 16,
  takeBack: 17,
} as const;

export const submit = {
  deps: 1,
  multi: 2,
  create: 4,
  call: 8,
  parent: 16,
  stream: 32,
  named: 64,
  cancelled: 128,
} as const;

/**
 * How an attempt ended. `unbegun`: it has not begun, and the task goes back to its queue. The agent's own: `failed`, by an error of
 * the system's; `lost`, with what ran it; `stays`: with values, some of which stay where they were made.
 */
export const outcome = { ok: 0, error: 1, retry: 2, unbegun: 3, failed: 4, lost: 5, stays: 6 } as const;

/** What has become of a value that was needed here. `lost`: on the way, so it is to be made again. */
export const here = { value: 0, error: 1, lost: 2 } as const;

export const event = {
  task: 1,
  value: 2,
  ready: 3,
  item: 4,
  stopTask: 5,
  credit: 6,
  stopActor: 7,
  needWorker: 8,
  idle: 10,
  retireHost: 11,
  killPort: 12,
  collect: 13,
  slowWaits: 14,
  stopActors: 15,
  forget: 16,
  line: 17,
  needCrew: 18,
  crewOver: 19,
  need: 20,
  drop: 21,
} as const;

/**
 * Flags of a TASK record: it creates an actor; what it is at the node that has submitted it follows its numbers; so do the makers of
 * arguments that are not there yet, or the places of arguments that are at other nodes, for an agent.
 */
export const taskFlag = { creates: 1, origin: 2, follows: 4, elsewhere: 8 } as const;

/** Flags of a LINE record: what it asks for follows; its number is not named again; where its large arguments are follows. */
export const lineFlag = { isNew: 1, over: 2, near: 4, mean: 8 } as const;

/** Flags of a STOP_TASK record. */
export const stopFlag = { force: 1, recursive: 2 } as const;

/** How an object turned out. `retryAsked`: a `userError` after which another node is to decide about another attempt. */
export const status = { value: 0, userError: 1, systemError: 2, retryAsked: 3 } as const;

/** The control word that says how many bytes of commands are complete; negative while the watchdog does not look at it. */
export const PUBLISHED = 0;
/** The control word that says whether the object store is full. */
export const TIGHT = 1;
/** The control word that says whether the thread is inside the callback of its bell; the addon writes it. */
export const RINGING = 2;
/** The control word that says whether the thread's event loop is to be kept alive. */
export const KEPT = 3;
/** A step that gives more than this many bytes of news gives what is above it, and they are all there are. */
export const MAX_INBOX: number = 2 ** 31 - 4096;
/** Index of the first claim word among the control words, and how many words there are. */
export const CLAIMS = 16;
export const CONTROL_WORDS = 144;

/** What a thread is there for. */
export const portKind = { driver: 0, worker: 1, host: 2, agent: 3 } as const;
export type PortKind = (typeof portKind)[keyof typeof portKind];
