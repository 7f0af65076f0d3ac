import { withoutPage } from '../../common/error-page.ts';
import {
  ActorDiedError,
  ActorNameTakenError,
  DeadlockError,
  MobulaError,
  NodeDiedError,
  ObjectLostError,
  ObjectStoreFullError,
  RuntimeClosedError,
  SerializationError,
  TaskCancelledError,
  TaskError,
  type TaskOrigin,
  TaskTimeoutError,
  UnschedulableError,
  WorkerDiedError,
} from '../../common/errors.ts';
import { isRefusal } from '../files/refusal.ts';
import { functionGone } from '../submit/function-gone.ts';
import { waitsFor } from '../wait/reasons.ts';

/** The first byte of an error of the core's: `crates/mobula-sched/src/failure.rs` is the other side. */
export const failure = {
  cancelled: 1,
  timedOut: 2,
  workerDied: 3,
  actorKilled: 4,
  actorCrashed: 5,
  actorUnmade: 6,
  closed: 7,
  deadlock: 8,
  broken: 9,
  tooLarge: 10,
  nameTaken: 11,
  functionGone: 12,
  unschedulable: 13,
  nodeDied: 14,
  noRoom: 15,
  tooFar: 16,
  lost: 17,
} as const;

/** Where the NodeId of the node where it happened stands; zeros: this one. */
export const NODE_AT = 9;
const NODE_BYTES = 8;
const LENGTH_AT = NODE_AT + NODE_BYTES;
/** How many bytes come before the task's name, which may be empty. */
const HEAD = LENGTH_AT + 4;

/** The node where an error happened, if that is another. */
function nodeOf(bytes: Uint8Array, start: number): string | undefined {
  const id = Buffer.from(bytes.subarray(start + NODE_AT, start + LENGTH_AT));
  return id.every((byte) => byte === 0) ? undefined : id.toString('hex');
}

/** An error of the system's as the core encodes it, of a task without a time limit. */
export function encodeFailure(reason: number, attempt: number, name: string, details: string): Uint8Array {
  const [nameBytes, detailBytes] = [Buffer.from(name), Buffer.from(details)];
  const bytes = new Uint8Array(HEAD + nameBytes.length + detailBytes.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, reason);
  view.setUint32(1, attempt, true);
  view.setUint32(LENGTH_AT, nameBytes.length, true);
  bytes.set(nameBytes, HEAD);
  bytes.set(detailBytes, HEAD + nameBytes.length);
  return bytes;
}

/** What user code threw, as it travels. */
export type UserFailure = readonly [thrown: unknown, taskName: string, attempt: number, nodeId: string];

/** What decoding an error needs to know of the node. */
export interface FailureContext {
  readonly nodeId: string;
  /** Decodes a value among the details: `bytes[start..end]`. */
  decode(start: number, end: number): unknown;
}

/** The error behind an encoded failure of the core's, which stands at `bytes[start..end]`. */
export function systemFailure(bytes: Uint8Array, start: number, end: number, context: FailureContext): Error {
  // What the constructor threw comes with a stack of its own.
  if (bytes[start] === failure.actorUnmade) return decodeFailure(bytes, start, end, context);
  return withoutStack(() => decodeFailure(bytes, start, end, context));
}

/**
 * Makes an error without a stack. It would lead through the inbox and nowhere else, and cost more than all the rest when one
 * signal cancels thousands of tasks.
 */
function withoutStack<E extends Error>(make: () => E): E {
  const limit = Error.stackTraceLimit;
  // False where the process has frozen it.
  if (!Reflect.set(Error, 'stackTraceLimit', 0)) return make();
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function decodeFailure(bytes: Uint8Array, start: number, end: number, context: FailureContext): Error {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const kind = view.getUint8(0);
  const text = (from: number, to: number): string => Buffer.from(bytes.subarray(start + from, start + to)).toString();
  const head = HEAD + view.getUint32(LENGTH_AT, true);
  const name = text(HEAD, head);
  const nodeId = nodeOf(bytes, start) ?? context.nodeId;
  const origin: TaskOrigin = { taskName: name, nodeId, attempt: view.getUint32(1, true) };
  const details = (): string => text(head, end - start);
  switch (kind) {
    case failure.cancelled:
      return new TaskCancelledError(`Task '${name}' was cancelled. Call it again if it is still wanted.`, origin);
    case failure.timedOut: {
      const limit = view.getUint32(5, true);
      const advice = 'Give it a larger timeoutMs, or less work.';
      return new TaskTimeoutError(
        `Task '${name}' ran longer than its timeoutMs of ${limit} and was stopped. ${advice}`,
        origin,
      );
    }
    case failure.workerDied: {
      const tries = origin.attempt === 1 ? 'its only attempt' : `attempt ${origin.attempt}, the last`;
      const advice = 'Raise maxRetries if it may run again.';
      return new WorkerDiedError(
        `The worker that ran task '${name}' died in ${tries}: ${details()}. ${advice}`,
        origin,
      );
    }
    case failure.actorKilled:
      return new ActorDiedError(`Actor '${name}' was killed. Create a new one to go on.`);
    case failure.actorCrashed: {
      const advice = 'Give its class maxRestarts to have it restarted.';
      return new ActorDiedError(`The thread of actor '${name}' died: ${details()}. ${advice}`);
    }
    case failure.actorUnmade: {
      const cause = userFailure(context.decode(start + head, end) as UserFailure);
      return new ActorDiedError(`Actor '${name}' could not be made: ${withoutPage(cause.message)}`, { cause });
    }
    case failure.nameTaken: {
      const from = head + 4;
      const to = from + view.getUint32(head, true);
      const namespace = text(from, to);
      const taken = text(to, end - start);
      const advice = `Use await getActor('${taken}'), or the option getIfExists: true, or another name.`;
      return new ActorNameTakenError(
        `Actor '${name}' was not made: another live actor is named '${taken}' in namespace '${namespace}'. ${advice}`,
      );
    }
    case failure.closed:
      return new RuntimeClosedError(
        details() ||
          `mobula was shut down before task '${name}' was done. Await its ref before shutdown(), or call it again after init().`,
      );
    case failure.deadlock:
      return deadlock(view, head, text, origin);
    case failure.broken:
      return new MobulaError(
        'ERR_MOBULA_INTERNAL',
        'A mistake in mobula: its core panicked while it had the task in hand. Please report it, with what stands on stderr.',
      );
    case failure.tooLarge:
      return new SerializationError(
        'value',
        'is, alone or with the other arguments of its task, larger than 2 GiB without its typed arrays',
        'Pass parts of it, or typed arrays, which lie in the object store.',
      );
    case failure.tooFar:
      return new SerializationError(
        'value',
        'is, alone or with the other values of its task, larger than 2 GiB, and is to go to a node that cannot fetch it from this one',
        'Pass parts of it, to tasks of their own.',
      );
    case failure.functionGone:
      return functionGone();
    case failure.unschedulable: {
      const advice = 'Ask for less, or start a node that has it: mobula start --address …';
      return new UnschedulableError(`Task '${name}' asks for ${details()}. ${advice}`);
    }
    case failure.nodeDied:
      return new NodeDiedError(`Task '${name}' did not end: ${details()}.`);
    case failure.noRoom:
      return new ObjectStoreFullError(details());
    case failure.lost:
      return new ObjectLostError(`Task '${name}' cannot go on: ${details()}. Call it again, or put the value again.`);
    default:
      return new MobulaError('ERR_MOBULA_INTERNAL', `unknown failure ${kind}`);
  }
}

/** The details are the names of those who wait, each for the next, and each after its length. */
function deadlock(
  view: DataView,
  head: number,
  text: (from: number, to: number) => string,
  origin: TaskOrigin,
): DeadlockError {
  const cycle: string[] = [];
  for (let at = head; at < view.byteLength; ) {
    const name = at + 4;
    at = name + view.getUint32(at, true);
    cycle.push(text(name, at));
  }
  const waits = cycle.map((name, i) => waitsFor(name, cycle[(i + 1) % cycle.length] as string));
  const advice =
    'Do not wait for a call on an actor that waits for you: return its ref instead, give get() a timeoutMs, or the class a larger maxConcurrency.';
  return new DeadlockError(`Call '${origin.taskName}' would never end: ${waits.join(', ')}. ${advice}`, origin, cycle);
}

/** The error that tells what user code threw. A node's refusal to run it stands for itself. */
export function userFailure(wire: UserFailure): Error {
  const [thrown, taskName, attempt, nodeId] = wire;
  if (isRefusal(thrown)) return thrown;
  return TaskError.from(thrown, { taskName, nodeId, attempt });
}
