import { storeSpill } from '../common/channels.ts';
import { MobulaError } from '../common/errors.ts';
import { badOption, checkKnown, whole } from '../common/options.ts';
import { requireRuntime } from '../core/current.ts';
import { status } from '../core/port/wire.ts';
import { ObjectRef } from '../core/refs/object-ref.ts';
import { currentTask } from '../core/run/task-context.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { inOrderOfArrival, parted, positionsThere } from '../core/wait/arrivals.ts';
import { ObjectRefStream } from '../core/wait/stream.ts';
import type { WaitLimits } from '../core/wait/waiting.ts';
import { driverNode } from './runtime.ts';

/** Limits of `get`. */
export interface GetOptions {
  /** Milliseconds to wait; then it rejects with `GetTimeoutError`. Default: without end. */
  readonly timeoutMs?: number;
  /** Aborting it ends the wait, not the task. */
  readonly signal?: AbortSignal;
}

/** Limits of `wait`. */
export interface WaitOptions {
  /** How many refs to wait for. Default: 1. */
  readonly numReturns?: number;
  /** Milliseconds to wait at most. Default: without end. */
  readonly timeoutMs?: number;
}

/** The values of refs. */
export type Values<T extends readonly ObjectRef<unknown>[]> = {
  -readonly [K in keyof T]: T[K] extends ObjectRef<infer V> ? V : never;
};

function isRef(value: unknown): value is ObjectRef<unknown> {
  return typeof value === 'object' && value !== null && ObjectRef.is(value);
}

function asRef(value: unknown, what: string): ObjectRef<unknown> {
  if (isRef(value)) return value;
  const isStream = value instanceof ObjectRefStream;
  const kind = isStream ? 'a stream' : value === null ? 'null' : typeof value;
  const advice = isStream
    ? 'Its items are refs: for await (const ref of stream). To end it, leave the loop, or abort the signal it was called with.'
    : 'Pass what f.remote() or put() gave.';
  throw new MobulaError('ERR_MOBULA_INVALID_ARGUMENT', `${what} is ${kind}, not an ObjectRef. ${advice}`);
}

function asRefs(refs: unknown, what: string): readonly ObjectRef<unknown>[] {
  if (!Array.isArray(refs)) throw new MobulaError('ERR_MOBULA_INVALID_ARGUMENT', `${what} takes an array of refs.`);
  for (let i = 0; i < refs.length; i++) if (!isRef(refs[i])) asRef(refs[i], `${what}: refs[${i}]`);
  return refs as readonly ObjectRef<unknown>[];
}

function timeout(value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value < 2 ** 31) return value;
  throw badOption('timeoutMs', value, 'a number of milliseconds from 0 to 2147483647');
}

/** Checks limits; undefined when there are none. */
function limits(options: GetOptions): WaitLimits | undefined {
  checkKnown(options, ['timeoutMs', 'signal'], 'GetOptions');
  const { timeoutMs, signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw badOption('signal', signal, 'an AbortSignal');
  if (timeoutMs === undefined && signal === undefined) return undefined;
  return { timeoutMs: timeoutMs === undefined ? undefined : timeout(timeoutMs), signal };
}

/**
 * Stores a value; the ref may be passed to any number of tasks. Large arrays are copied once, into the object store.
 *
 * @throws {SerializationError} when the value cannot travel.
 * @throws {ObjectStoreFullError} when there is no room.
 * @example
 * const table = put(new Float64Array(1e6).fill(0.5));
 * const sum = remote((numbers: Float64Array) => numbers.reduce((a, b) => a + b, 0));
 * console.log(await get(sum.remote(table))); // 500000
 */
export function put<T>(value: T): ObjectRef<T> {
  const ref = requireRuntime().put(value) as ObjectRef<T>;
  if (storeSpill.hasSubscribers) driverNode()?.channels.look();
  return ref;
}

/** The typed arrays that `allocate` makes. */
interface TypedArrayConstructor<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
}

/**
 * A writable typed array of zeros inside the object store. Putting it, or returning it from a task, seals it where it is,
 * without a copy; the writer's array is empty from then on.
 *
 * @throws {ObjectStoreFullError} when there is no room.
 * @example
 * const render = remote((n: number) => {
 *   const pixels = allocate(Float32Array, n);
 *   return pixels.fill(1);
 * });
 * console.log((await get(render.remote(100_000))).length); // 100000
 */
export function allocate<T>(type: TypedArrayConstructor<T>, length: number): T {
  if (typeof type !== 'function' || typeof type.BYTES_PER_ELEMENT !== 'number') {
    throw new MobulaError(
      'ERR_MOBULA_INVALID_ARGUMENT',
      'allocate() takes a typed array class, such as Float32Array, and a length.',
    );
  }
  whole('length', length, 0, Number.MAX_SAFE_INTEGER);
  const memory = requireRuntime().values.allocate(length * type.BYTES_PER_ELEMENT);
  // The constructor of Buffer is deprecated.
  if ((type as unknown) === Buffer) return Buffer.from(memory, 0, length) as T;
  return new type(memory, 0, length);
}

/**
 * The value of a ref, or the values of several: as soon as they are there, or rejected with the error of the first that
 * failed. Inside a task it lends the task's CPU to others meanwhile.
 *
 * @throws {TaskError} what the task threw, as `cause`.
 * @throws {GetTimeoutError} when `timeoutMs` is over.
 * @example
 * const [number, text] = await get([put(1), put('one')], { timeoutMs: 1000 });
 * console.log(number, text); // 1 one
 */
export function get<T>(ref: ObjectRef<T>, options?: GetOptions): Promise<T>;
export function get<const T extends readonly ObjectRef<unknown>[]>(refs: T, options?: GetOptions): Promise<Values<T>>;
export function get<R extends ObjectRef<unknown>>(ref: R, options?: GetOptions): Promise<Values<[R]>[0]>;
export function get(refs: unknown, options?: GetOptions): Promise<unknown> {
  // Not an async function: that would add two promises to each of a million calls a second.
  try {
    const runtime = requireRuntime();
    const limited = options === undefined ? undefined : limits(options);
    if (Array.isArray(refs)) return getMany(runtime, asRefs(refs, 'get()'), limited ?? {});
    const ref = asRef(refs, 'get()');
    if (limited === undefined) return runtime.waits.get(ref);
    return getMany(runtime, [ref], limited).then(([value]) => value);
  } catch (error) {
    return Promise.reject(error);
  }
}

function getMany(runtime: ThreadRuntime, refs: readonly ObjectRef<unknown>[], limited: WaitLimits): Promise<unknown[]> {
  limited.signal?.throwIfAborted();
  if (refs.length === 0) return Promise.resolve([]);
  const values: unknown[] = new Array(refs.length);
  let missing = refs.length;
  const objects = refs.map((ref) => runtime.refs.use(ref));
  const endless = limited.timeoutMs === undefined && limited.signal === undefined;
  return new Promise((resolve, reject) => {
    const task = currentTask();
    const wait = task === undefined ? undefined : runtime.lender.begin(task, endless ? objects : undefined);
    runtime.waits.wait(refs, true, limited, {
      arrived(position, outcome, pos) {
        if (outcome !== status.value) {
          reject(runtime.inbox.error(outcome, pos));
          return true;
        }
        values[position] = runtime.inbox.value(pos);
        return --missing === 0;
      },
      ended(error) {
        if (wait !== undefined) runtime.lender.end(wait);
        if (missing === 0) resolve(values);
        else reject(error);
      },
    });
  });
}

/** What `wait` gives: every ref it was given, in one of two lists. `R`: the refs. */
export interface Waited<R extends ObjectRef<unknown>> {
  /** As many as were asked for, or fewer when time was up. */
  ready: R[];
  /** The others. */
  pending: R[];
}

/**
 * Waits until `numReturns` of the refs are there, with a value or an error, or time is up. Both lists keep the order
 * given. `timeoutMs: 0` asks what is so now, after one turn of the event loop: good for polling.
 *
 * @throws {MobulaError} `ERR_MOBULA_INVALID_OPTION` when `numReturns` is larger than the number of refs.
 * @example
 * const refs = [put(1), put(2), put(3)];
 * const { ready, pending } = await wait(refs, { numReturns: 2, timeoutMs: 100 });
 * console.log(ready.length, pending.length); // 2 1
 */
export async function wait<R extends ObjectRef<unknown>>(
  refs: readonly R[],
  options: WaitOptions = {},
): Promise<Waited<R>> {
  const runtime = requireRuntime();
  const all = asRefs(refs, 'wait()') as readonly R[];
  checkKnown(options, ['numReturns', 'timeoutMs'], 'WaitOptions');
  const { numReturns = 1 } = options;
  if (all.length === 0 && options.numReturns === undefined) return { ready: [], pending: [] };
  whole('numReturns', numReturns, 0, all.length);
  const there = await positionsThere(
    runtime,
    all,
    numReturns,
    options.timeoutMs === undefined ? undefined : timeout(options.timeoutMs),
  );
  const ready: R[] = [];
  const pending: R[] = [];
  for (let i = 0; i < all.length; i++) (there.has(i) ? ready : pending).push(all[i] as R);
  return { ready, pending };
}

/**
 * The refs in the order in which they are there; those that are there already come first, in the order given. Leaving the
 * loop early gives back what was not taken.
 *
 * @example
 * const sleep = remote((ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms)));
 * const refs = [sleep.remote(200), sleep.remote(10)];
 * for await (const ref of asCompleted(refs)) console.log(await get(ref)); // 10, then 200
 */
export async function* asCompleted<R extends ObjectRef<unknown>>(
  refs: Iterable<R>,
): AsyncGenerator<R, void, undefined> {
  const runtime = requireRuntime();
  const all = asRefs([...refs], 'asCompleted()') as readonly R[];
  const { there, missing } = parted(runtime, all);
  // Not `yield*`: it costs each of them two more turns of microtasks.
  for (const ref of there) yield ref;
  if (missing.length > 0) yield* inOrderOfArrival(runtime, missing);
}

/** Options of `cancel`. */
export interface CancelOptions {
  /** Stop the thread of a task that runs already. Default: false. */
  readonly force?: boolean;
  /** Cancel the tasks that the task has submitted too. Default: true. */
  readonly recursive?: boolean;
}

/**
 * Cancels the task that makes `ref`: the ref rejects with `TaskCancelledError`. A queued task never runs; a running one is
 * told by `context().signal`, or stopped with its thread if `force` is set. Nothing happens if it has ended.
 */
export async function cancel(ref: ObjectRef<unknown>, options: CancelOptions = {}): Promise<void> {
  checkKnown(options, ['force', 'recursive'], 'CancelOptions');
  const { force = false, recursive = true } = options;
  for (const [name, value] of [
    ['force', force],
    ['recursive', recursive],
  ] as const) {
    if (typeof value !== 'boolean') throw badOption(name, value, 'true or false');
  }
  requireRuntime().submitter.cancel(asRef(ref, 'cancel()'), force, recursive);
}
