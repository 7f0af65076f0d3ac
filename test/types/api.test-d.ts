// Compiled, never run: what the public types accept, give and refuse.
import {
  ActorDiedError,
  type ActorHandle,
  type ActorMethod,
  ActorNameTakenError,
  type Arg,
  type Args,
  allocate,
  asCompleted,
  type availableResources,
  type CallOptions,
  type CancelOptions,
  CaptureError,
  ClusterStateLostError,
  ControlStoreDataLossError,
  ControlStoreUnavailableError,
  cancel,
  type clusterResources,
  context,
  DeadlockError,
  type ErrorClass,
  type ErrorCode,
  type GetActorOptions,
  type GetOptions,
  GetTimeoutError,
  get,
  getActor,
  type InitOptions,
  init,
  isInitialized,
  type KillOptions,
  kill,
  type Logger,
  MobulaError,
  NodeDiedError,
  type NodeInfo,
  type nodes,
  ObjectLostError,
  ObjectRef,
  type ObjectRefStream,
  ObjectStoreFullError,
  PendingCallsLimitError,
  put,
  type RemoteFunction,
  type Result,
  type Runtime,
  RuntimeClosedError,
  remote,
  type SchedulingStrategy,
  SerializationError,
  type ShutdownOptions,
  shutdown,
  TaskCancelledError,
  TaskError,
  TaskTimeoutError,
  UnschedulableError,
  type Values,
  type Waited,
  type WaitOptions,
  WorkerDiedError,
  wait,
} from 'mobula';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Fails to compile unless both types are the same. */
function same<A, B>(_: Same<A, B>): void {}

// ---- tasks -----------------------------------------------------------------------------------------------------

const add = remote((a: number, b: number) => a + b);
const sum = add.remote(1, put(2));
same<typeof sum, ObjectRef<number>>(true);
add.remote(sum, sum);
// @ts-expect-error: an argument of the wrong type
add.remote('1', 2);
// @ts-expect-error: a ref of the wrong type
add.remote(put('1'), 2);
// @ts-expect-error: too few arguments
add.remote(1);
// @ts-expect-error: too many arguments
add.remote(1, 2, 3);
// @ts-expect-error: a remote function is not called directly
add(1, 2);

const later = remote(async (text: string) => text.length);
same<ReturnType<typeof later.remote>, ObjectRef<number>>(true);

const optional = remote((a: number, b?: string) => [a, b] as const);
optional.remote(1);
optional.remote(put(1), put<string | undefined>('x'));

const many = remote((...all: number[]) => all.length);
many.remote(1, put(2), 3);

const nested = remote(async (box: { ref: ObjectRef<number> }) => get(box.ref));
nested.remote({ ref: sum });
// @ts-expect-error: refs nested inside a value stay refs
nested.remote({ ref: 1 });

// A ref at the top level is resolved before the function runs, so a parameter never gets a ref that was passed as it is.
const takesRef = remote(async (ref: ObjectRef<number>) => get(ref));
// @ts-expect-error: the function would get a number
takesRef.remote(sum);
takesRef.remote(put(sum));
const takesEither = remote((either: number | ObjectRef<number>) => typeof either);
takesEither.remote(sum);
takesEither.remote(1);
same<Arg<ObjectRef<number>>, ObjectRef<ObjectRef<number>>>(true);
same<Arg<number>, number | ObjectRef<number>>(true);
same<Args<[a: number, b: string]>, [a: Arg<number>, b: Arg<string>]>(true);

// What may be anything is no generator.
const parse = remote((text: string) => JSON.parse(text));
same<ReturnType<typeof parse.remote>, ObjectRef<ReturnType<typeof JSON.parse>>>(true);
const twice = remote((text: string) => JSON.parse(text), { numReturns: 2 }).remote('[1, 2]');
same<typeof twice.length, 2>(true);

// A union stays one ref.
const isLong = remote((text: string) => text.length > 9);
same<ReturnType<typeof isLong.remote>, ObjectRef<boolean>>(true);
const either = remote((flag: boolean): string | number => (flag ? 'yes' : 1));
same<ReturnType<typeof either.remote>, ObjectRef<string | number>>(true);
// What never returns still gives a ref.
const forever = remote(() => {
  for (;;);
});
same<ReturnType<typeof forever.remote>, ObjectRef<never>>(true);
const nothing = remote(() => {});
same<ReturnType<typeof nothing.remote>, ObjectRef<void>>(true);

// @ts-expect-error: an unknown option
remote(() => 1, { numCPUs: 1 });
// @ts-expect-error: an option of the wrong type
add.options({ timeoutMs: '5' });
// @ts-expect-error: an option of actors
add.options({ maxRestarts: 1 });
// @ts-expect-error: neither a function nor a class
remote(5);

// ---- several returns -------------------------------------------------------------------------------------------

const pair = remote((a: number) => [a, String(a)] as const, { numReturns: 2 });
const [first, second] = pair.remote(1);
same<typeof first, ObjectRef<number>>(true);
same<typeof second, ObjectRef<string>>(true);
const three = remote((a: number) => [a, a, a])
  .options({ numReturns: 3 })
  .remote(1);
same<typeof three, [ObjectRef<number>, ObjectRef<number>, ObjectRef<number>]>(true);
// @ts-expect-error: there are three
three[3];
const thousand = remote(() => [1, 2], { numReturns: 1000 }).remote();
same<typeof thousand, ObjectRef<number>[]>(true);
const laterPair = remote(async () => [1, 'x'] as [number, string], { numReturns: 2 }).remote();
same<typeof laterPair, [ObjectRef<number>, ObjectRef<string>]>(true);
const kept = pair.options({ name: 'named' }).remote(1);
same<typeof kept, [ObjectRef<number>, ObjectRef<string>]>(true);

// ---- generators ------------------------------------------------------------------------------------------------

const count = remote(function* (to: number) {
  for (let i = 0; i < to; i++) yield i;
});
same<ReturnType<typeof count.remote>, ObjectRefStream<number>>(true);
const countLater = remote(async function* () {
  yield 'a';
});
same<ReturnType<typeof countLater.remote>, ObjectRefStream<string>>(true);
// A generator gives a stream however its result is annotated.
const asIterable = remote(async function* (): AsyncIterable<string> {
  yield 'a';
});
same<ReturnType<typeof asIterable.remote>, ObjectRefStream<string>>(true);
const asIterator = remote(function* (): IterableIterator<number> {
  yield 1;
});
same<ReturnType<typeof asIterator.remote>, ObjectRefStream<number>>(true);
// An Iterable may be an array as well: what the call gives has to be asked.
const asAnyIterable = remote(function* (): Iterable<number> {
  yield 1;
});
same<ReturnType<typeof asAnyIterable.remote>, ObjectRef<Iterable<number>> | ObjectRefStream<number>>(true);
const arrays = remote((): number[] => [1]);
same<ReturnType<typeof arrays.remote>, ObjectRef<number[]>>(true);
const texts = remote((): string | Set<string> => 'a');
same<ReturnType<typeof texts.remote>, ObjectRef<string | Set<string>>>(true);

// ---- get, wait -------------------------------------------------------------------------------------------------

export async function waits(): Promise<void> {
  const one = await get(sum);
  same<typeof one, number>(true);
  const tuple = await get([sum, put('x'), put({ a: 1 })]);
  same<typeof tuple, [number, string, { a: number }]>(true);
  const list = await get([1, 2].map((n) => add.remote(n, n)));
  same<typeof list, number[]>(true);
  // Refs of different types stay what they are.
  const mixed = [sum, put('x')] as const;
  const parts = await wait(mixed, { numReturns: 2 });
  same<typeof parts, Waited<ObjectRef<number> | ObjectRef<string>>>(true);
  const values = await get(parts.ready);
  same<typeof values, (number | string)[]>(true);
  for await (const ref of asCompleted(mixed)) {
    const value = await get(ref);
    same<typeof value, number | string>(true);
  }
  same<Values<[ObjectRef<1>, ObjectRef<'a'>]>, [1, 'a']>(true);
  const { ready, pending } = await wait([sum, sum], { numReturns: 2, timeoutMs: 5 });
  same<typeof ready, ObjectRef<number>[]>(true);
  same<typeof pending, ObjectRef<number>[]>(true);
  for await (const ref of asCompleted([sum])) same<typeof ref, ObjectRef<number>>(true);
  for await (const ref of count.remote(put(3))) same<typeof ref, ObjectRef<number>>(true);
  // @ts-expect-error: not a ref
  await get(5);
  // @ts-expect-error: an unknown option
  await get(sum, { timeout: 5 });
  // @ts-expect-error: a ref is not a promise
  same<Awaited<typeof sum>, number>(true);
}

const floats = allocate(Float32Array, 5);
floats.fill(0.5);
// @ts-expect-error: allocate takes a typed array class
allocate(Array, 5);

// ---- actors ----------------------------------------------------------------------------------------------------

class CounterClass {
  static made = 0;
  #n: number;
  readonly label = 'counter';
  private secret = 1;
  protected half = 2;
  constructor(start: number) {
    this.#n = start;
  }
  inc(by = 1): number {
    this.#n += by * this.secret * this.half;
    return this.hidden() + this.shielded();
  }
  async later(text: string): Promise<string> {
    return text;
  }
  *items(): Generator<string> {
    yield 'a';
  }
  private hidden(): number {
    return this.#n;
  }
  protected shielded(): number {
    return 0;
  }
}

const Counter = remote(CounterClass, { maxRestarts: 3 });
const counter = Counter.remote(put(10));
same<typeof counter, ActorHandle<typeof CounterClass>>(true);
same<keyof typeof counter, 'inc' | 'later' | 'items' | typeof Symbol.dispose>(true);
same<typeof counter.inc, ActorMethod<[by?: number], number>>(true);
same<ReturnType<typeof counter.inc.remote>, ObjectRef<number>>(true);
same<ReturnType<typeof counter.later.remote>, ObjectRef<string>>(true);
same<ReturnType<typeof counter.items.remote>, ObjectRefStream<string>>(true);
counter.inc.remote(sum);
// @ts-expect-error: the constructor needs a number
Counter.remote();
// @ts-expect-error: methods are called by remote()
counter.inc(1);
// @ts-expect-error: an argument of the wrong type
counter.inc.remote('1');
// @ts-expect-error: properties are not methods
counter.label;
// @ts-expect-error: private
counter.hidden;
// @ts-expect-error: protected
counter.shielded;
// @ts-expect-error: static
counter.made;
// @ts-expect-error: an option of tasks
Counter.options({ maxRetries: 1 });
// @ts-expect-error: no such isolation
Counter.options({ isolation: 'vm' });
// @ts-expect-error: not a lifetime
Counter.options({ lifetime: 'forever' });

// Options of a call.
const called = counter.inc.options({ timeoutMs: 5, signal: AbortSignal.timeout(5) });
same<typeof called, ActorMethod<[by?: number], number, 1>>(true);
class PairClass {
  pair(): [number, string] {
    return [1, 'a'];
  }
}
const pairs = remote(PairClass).remote().pair.options({ numReturns: 2 }).remote();
same<typeof pairs, [ObjectRef<number>, ObjectRef<string>]>(true);
// @ts-expect-error: an option of tasks
counter.inc.options({ maxRetries: 1 });
counter[Symbol.dispose]();
export function scoped(): void {
  using mine = Counter.remote(1);
  mine.inc.remote();
}
class Odd {
  // biome-ignore lint/suspicious/noThenProperty: what the test is about
  then(): number {
    return 1;
  }
  toJSON(): number {
    return 1;
  }
  remote(): number {
    return 1;
  }
}
class FieldClass {
  arrow = (by: number): string => String(by);
  text = 'not a method';
}
const fields = remote(FieldClass).remote();
same<keyof typeof fields, 'arrow' | typeof Symbol.dispose>(true);
same<typeof fields.arrow, ActorMethod<[by: number], string>>(true);
const odd = remote(Odd).remote();
same<typeof odd.then, ActorMethod<[], number>>(true);
same<ReturnType<typeof odd.remote.remote>, ObjectRef<number>>(true);

const found = getActor<typeof CounterClass>('name', { namespace: 'n' });
same<typeof found, Promise<ActorHandle<typeof CounterClass>>>(true);
const takesHandle = remote(async (handle: ActorHandle<typeof CounterClass>) => get(handle.inc.remote()));
takesHandle.remote(counter);
void kill(counter, { noRestart: false });
// @ts-expect-error: an unknown option
void kill(counter, { restart: true });

// ---- init ------------------------------------------------------------------------------------------------------

void init({ numCpus: 2, objectStoreMemory: '512MiB', resources: { disk: 1 } });
// @ts-expect-error: a size without a unit
void init({ objectStoreMemory: '512' });
// @ts-expect-error: an unknown option
void init({ cpus: 2 });

export async function runtimes(): Promise<void> {
  const runtime = await init();
  same<typeof runtime, Runtime>(true);
  same<typeof runtime.nodeId, string>(true);
  const up: boolean = isInitialized();
  await shutdown({ timeoutMs: up ? 5 : 0 });
  // @ts-expect-error: an unknown option
  await shutdown({ timeout: 5 });
  await using other = await init({ ignoreReinit: true });
  await other.close({ timeoutMs: 1 });
}
declare const pino: Logger;
const options: InitOptions = { logger: pino, numGpus: 1, spillDirectory: '/tmp', namespace: 'n', address: 'auto' };
void init(options);
// @ts-expect-error: read-only
options.numGpus = 2;

// ---- refs ------------------------------------------------------------------------------------------------------

same<typeof sum.id, string>(true);
same<typeof sum.recoverable, boolean>(true);
sum[Symbol.dispose]();
// @ts-expect-error: not a thenable
sum.then;
// @ts-expect-error: made by mobula alone
new ObjectRef();
const stored = put({ list: [1, 2], map: new Map([['a', 1n]]) });
same<typeof stored, ObjectRef<{ list: number[]; map: Map<string, bigint> }>>(true);
void cancel(sum, { force: true, recursive: false });
// @ts-expect-error: a stream is ended by leaving its loop, or by return()
void cancel(count.remote(1));
// @ts-expect-error: an unknown option
void cancel(sum, { kill: true });
// @ts-expect-error: an ObjectRef of something else
const wrong: ObjectRef<string> = sum;
void wrong;

export async function streams(): Promise<void> {
  const stream = count.remote(put(3));
  const { value, done } = await stream.next();
  if (done !== true) same<typeof value, ObjectRef<number>>(true);
  await stream[Symbol.asyncDispose]();
}

// ---- passing things on -----------------------------------------------------------------------------------------

const apply = remote((f: RemoteFunction<[number, number], number>) => f.remote(1, 2));
same<ReturnType<typeof apply.remote>, ObjectRef<ObjectRef<number>>>(true);
apply.remote(add);
const make = remote(async (Actor: typeof Counter) => get(Actor.remote(1).inc.remote(put(2))));
same<ReturnType<typeof make.remote>, ObjectRef<number>>(true);
make.remote(Counter);
const onHandle = remote((handle: ActorHandle<typeof CounterClass>) => handle.later.remote(put('x')));
onHandle.remote(put(counter));
// @ts-expect-error: a handle to another class
onHandle.remote(remote(class Other {}).remote());
// @ts-expect-error: a handle is no thenable
counter.then;
// @ts-expect-error: and does not answer toJSON
counter.toJSON;
const configured = Counter.options({ name: 'n', getIfExists: true, maxConcurrency: 2, maxPendingCalls: 5 }).remote(1);
same<typeof configured, ActorHandle<typeof CounterClass>>(true);

// ---- the cluster -----------------------------------------------------------------------------------------------

same<ReturnType<typeof nodes>, NodeInfo[]>(true);
same<keyof NodeInfo, 'nodeId' | 'alive' | 'driver' | 'host' | 'pid' | 'resources' | 'labels'>(true);
same<ReturnType<typeof clusterResources>, Record<string, number>>(true);
same<ReturnType<typeof availableResources>, Record<string, number>>(true);
const { taskId, attempt, signal } = context();
same<typeof taskId, string | undefined>(true);
same<typeof attempt, number | undefined>(true);
same<typeof signal, AbortSignal | undefined>(true);
const strategies: SchedulingStrategy[] = ['default', 'spread', { nodeId: 'a', soft: true }];
remote(() => 1, {
  schedulingStrategy: strategies[0] ?? 'default',
  signal: AbortSignal.timeout(5),
  retryExceptions: [TypeError],
});
// Classes of one's own, with other constructors than Error has.
class HttpError extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}
remote(() => 1, { retryExceptions: [HttpError, TypeError] });
// @ts-expect-error: not a class of errors
remote(() => 1, { retryExceptions: [Map] });
// @ts-expect-error: not a strategy
remote(() => 1, { schedulingStrategy: 'pack' });

// ---- names for what others write -------------------------------------------------------------------------------

export type Names = [
  CallOptions,
  CancelOptions,
  ErrorClass,
  GetActorOptions,
  GetOptions,
  KillOptions,
  ShutdownOptions,
  WaitOptions,
];
/** A helper of somebody else's can say what a remote function takes and gives. */
export function traced<A extends readonly unknown[], R>(f: RemoteFunction<A, R>, ...args: Args<A>): Result<R, 1> {
  return f.remote(...args);
}
const tracedSum = traced(add, 1, put(2));
same<typeof tracedSum, ObjectRef<number>>(true);
// @ts-expect-error: made by remote() alone
new (add.constructor as typeof RemoteFunction)();

// ---- errors ----------------------------------------------------------------------------------------------------

export function errors(error: unknown): void {
  if (error instanceof MobulaError) {
    same<typeof error.code, ErrorCode>(true);
    same<typeof error.helpPage, string>(true);
    // @ts-expect-error: no such code
    error.code === 'ERR_MOBULA_NOTHING';
  }
  if (error instanceof TaskError || error instanceof TaskTimeoutError || error instanceof TaskCancelledError) {
    same<typeof error.taskName, string>(true);
    same<typeof error.attempt, number>(true);
  }
  if (error instanceof WorkerDiedError) same<typeof error.nodeId, string>(true);
  if (error instanceof SerializationError) same<typeof error.path, string>(true);
  if (error instanceof CaptureError) same<typeof error.variable, string | undefined>(true);
  if (error instanceof DeadlockError) same<typeof error.cycle, readonly string[]>(true);
  const others = [
    ActorDiedError,
    ActorNameTakenError,
    ClusterStateLostError,
    ControlStoreDataLossError,
    ControlStoreUnavailableError,
    NodeDiedError,
    GetTimeoutError,
    ObjectLostError,
    ObjectStoreFullError,
    PendingCallsLimitError,
    RuntimeClosedError,
    UnschedulableError,
  ];
  same<InstanceType<(typeof others)[number]> extends MobulaError ? true : false, true>(true);
}
