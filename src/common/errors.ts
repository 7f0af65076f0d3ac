import type { ErrorCode } from './error-codes.ts';
import { errorPage, errorSection, withoutPage } from './error-page.ts';
import { describeThrown, messageOf } from './thrown.ts';

/** What every mobula error can carry beside its message. */
export interface MobulaErrorOptions {
  /** What led to this error. */
  readonly cause?: unknown;
}

const brand = Symbol.for('mobula.error');

/** How the codec asks a value to describe itself; `store/codec/hooks.ts` has the same symbol. */
const portable = Symbol.for('mobula.portable');
/** `portableKind.error` of `core/submit/remote.ts`. */
const PORTABLE_ERROR = 3;

/** A mobula error on its way to another thread. */
interface ErrorOnTheWay {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: unknown;
  /** Its own fields: code, path, taskName and so on. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * The base of every error mobula raises. `code` is stable; the message says what to do next.
 *
 * @example
 * try {
 *   remote(() => 1, { numCpus: -1 });
 * } catch (error) {
 *   if (error instanceof MobulaError) console.log(error.code); // ERR_MOBULA_INVALID_OPTION
 * }
 */
export class MobulaError extends Error {
  /** A stable name for this kind of failure, such as `ERR_MOBULA_TASK_CANCELLED`. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: MobulaErrorOptions) {
    super(withPage(code, message), options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    // Not enumerable: it must show in neither console.log nor copies of the error.
    Object.defineProperty(this, brand, { value: true });
    Object.defineProperty(this, portable, { value: () => [PORTABLE_ERROR, onTheWay(this)] });
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
  }

  /** True for errors of any copy of mobula in the process when asked of `MobulaError` itself. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: subclasses inherit this and ask for themselves
    return this === MobulaError ? isMobulaError(value) : Function.prototype[Symbol.hasInstance].call(this, value);
  }

  /** Where this kind of error is explained: a file of the installed package, and the section in it. */
  get helpPage(): string {
    return errorPage(this.code);
  }
}

/** The message with the page that explains it at its end; an error that was sent here has one already. */
function withPage(code: ErrorCode, message: string): string {
  if (message.endsWith(errorSection(code))) return message;
  const stop = /[.!?]$/.test(message) ? '' : '.';
  return `${message}${stop} See ${errorPage(code)}`;
}

/** True for errors of this or of another copy of mobula loaded in the process. */
export function isMobulaError(error: unknown): error is MobulaError {
  return typeof error === 'object' && error !== null && Reflect.get(error, brand) === true;
}

/** Whether a head has refused this process: to try again would change nothing. */
export function isRefusal(error: unknown): boolean {
  return isMobulaError(error) && (error.code === 'ERR_MOBULA_UNAUTHORIZED' || error.code === 'ERR_MOBULA_VERSION');
}

/** A value that cannot travel to another thread. `path` says where it sits, such as `args[0].callback`. */
export class SerializationError extends MobulaError {
  /** Where the offending value sits in what was passed. */
  readonly path: string;

  constructor(path: string, problem: string, advice: string) {
    super('ERR_MOBULA_SERIALIZATION', `${path} ${problem}. ${advice}`);
    this.path = path;
  }
}

/** A function closes over something that cannot travel with it. */
export class CaptureError extends MobulaError {
  /** The captured variable that cannot travel, where one is to blame. */
  readonly variable: string | undefined;

  constructor(message: string, options?: { readonly variable?: string; readonly cause?: unknown }) {
    super('ERR_MOBULA_CAPTURE', message, options);
    this.variable = options?.variable;
  }
}

/** The object store has no room and nothing it may evict. */
export class ObjectStoreFullError extends MobulaError {
  constructor(message: string, options?: MobulaErrorOptions) {
    super('ERR_MOBULA_OBJECT_STORE_FULL', message, options);
  }
}

/** A task or actor asks for more than any node has. */
export class UnschedulableError extends MobulaError {
  constructor(message: string) {
    super('ERR_MOBULA_UNSCHEDULABLE', message);
  }
}

/** An actor has `maxPendingCalls` calls waiting already. */
export class PendingCallsLimitError extends MobulaError {
  constructor(message: string) {
    super('ERR_MOBULA_PENDING_CALLS_LIMIT', message);
  }
}

/** The runtime was shut down. */
export class RuntimeClosedError extends MobulaError {
  constructor(message = 'mobula was shut down. Call init() to start it again.') {
    super('ERR_MOBULA_RUNTIME_CLOSED', message);
  }
}

/** `get` or `wait` ran into its `timeoutMs`. The ref itself is untouched. */
export class GetTimeoutError extends MobulaError {
  constructor(message: string) {
    super('ERR_MOBULA_GET_TIMEOUT', message);
  }
}

/** Which run of which task an error speaks of. */
export interface TaskOrigin {
  /** The task's name: its option `name`, or that of its function. */
  readonly taskName: string;
  /** The node the attempt ran on. */
  readonly nodeId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

/** An error that ended one attempt of a task. */
abstract class AttemptError extends MobulaError implements TaskOrigin {
  readonly taskName: string;
  readonly nodeId: string;
  readonly attempt: number;

  constructor(code: ErrorCode, message: string, origin: TaskOrigin, options?: MobulaErrorOptions) {
    super(code, message, options);
    this.taskName = origin.taskName;
    this.nodeId = origin.nodeId;
    this.attempt = origin.attempt;
  }
}

/** A global class of errors that a `TaskError` can pass for. */
type ErrorClass = abstract new (...args: never[]) => Error;

interface RareGlobals {
  /** Missing under `--jitless`. */
  readonly WebAssembly?: Readonly<Record<'CompileError' | 'LinkError' | 'RuntimeError', ErrorClass>>;
  /** Came with Node 24. */
  readonly SuppressedError?: ErrorClass;
  /** Came with Node 26. */
  readonly QuotaExceededError?: ErrorClass;
}

const rare = globalThis as unknown as RareGlobals;
const wasm = rare.WebAssembly;

/** A class that a `TaskError` passes for, and the fields that code which asks for the class expects. */
interface Disguise {
  readonly type: ErrorClass | undefined;
  readonly fields?: readonly string[];
  /** The prototype of such task errors. */
  prototype?: object;
}

/** The global error classes other than `Error` itself, a class before the one it extends. */
const disguises: readonly Disguise[] = [
  ...[RangeError, TypeError, SyntaxError, ReferenceError, EvalError, URIError].map((type) => ({ type })),
  { type: AggregateError, fields: ['errors'] },
  ...[wasm?.CompileError, wasm?.LinkError, wasm?.RuntimeError].map((type) => ({ type })),
  { type: rare.SuppressedError, fields: ['error', 'suppressed'] },
  { type: rare.QuotaExceededError, fields: ['quota', 'requested'] },
  { type: DOMException },
];

/** A prototype that is `TaskError.prototype` by content and inherits from `type.prototype`. */
function disguised(type: ErrorClass, fields: readonly string[] = []): object {
  const own = Object.getOwnPropertyDescriptors(TaskError.prototype);
  const inherited = Object.getOwnPropertyDescriptors(MobulaError.prototype);
  const prototype = Object.create(type.prototype, { ...inherited, ...own }) as object;
  for (const field of fields) {
    const get = function (this: TaskError): unknown {
      return Reflect.get(this.cause as object, field);
    };
    Object.defineProperty(prototype, field, { get, configurable: true });
  }
  return prototype;
}

const taskErrorBrand = Symbol.for('mobula.taskError');

/**
 * User code threw. `cause` is what it threw, and the stack shows where, in the worker.
 *
 * When that was a `TypeError`, a `RangeError` or another global error class, the error is `instanceof` that class too.
 *
 * @example
 * const parse = remote((text: string): unknown => JSON.parse(text));
 * try {
 *   await get(parse.remote('{'));
 * } catch (error) {
 *   console.log(error instanceof TaskError && error instanceof SyntaxError); // true
 * }
 */
export class TaskError extends AttemptError {
  private constructor(message: string, origin: TaskOrigin, cause: unknown) {
    super('ERR_MOBULA_TASK', message, origin, { cause });
    Object.defineProperty(this, taskErrorBrand, { value: true });
  }

  /** The error for what user code threw. */
  static from(thrown: unknown, origin: TaskOrigin): TaskError {
    const what = withoutPage(messageOf(thrown) ?? `it threw ${describeThrown(thrown)}`);
    const limit = Error.stackTraceLimit;
    // The stack of whoever decodes this is of no use; the remote one is shown instead.
    Error.stackTraceLimit = 0;
    const error = new TaskError(`Task '${origin.taskName}' failed: ${what}`, origin, thrown);
    Error.stackTraceLimit = limit;
    Object.setPrototypeOf(error, TaskError.prototypeFor(thrown));
    const { stack: remoteStack } = thrown instanceof Error ? thrown : { stack: undefined };
    const remote = typeof remoteStack === 'string' ? `\nRemote stack:\n${remoteStack}` : '';
    const stack = `TaskError: ${error.message}${remote}`;
    Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
    return error;
  }

  /** @internal */
  static prototypeFor(thrown: unknown): object {
    const like = disguises.find(({ type }) => type !== undefined && thrown instanceof type);
    if (like?.type === undefined) return TaskError.prototype;
    like.prototype ??= disguised(like.type, like.fields);
    return like.prototype;
  }

  /** True for task errors of any copy of mobula in the process. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isMobulaError(value) && Reflect.get(value, taskErrorBrand) === true;
  }
}

/** The attempt ran longer than the task's `timeoutMs` and was stopped. */
export class TaskTimeoutError extends AttemptError {
  constructor(message: string, origin: TaskOrigin) {
    super('ERR_MOBULA_TASK_TIMEOUT', message, origin);
  }
}

/** The task was cancelled before it finished. */
export class TaskCancelledError extends AttemptError {
  constructor(message: string, origin: TaskOrigin, options?: MobulaErrorOptions) {
    super('ERR_MOBULA_TASK_CANCELLED', message, origin, options);
  }
}

/** The worker that ran the task died, and no attempts are left. */
export class WorkerDiedError extends AttemptError {
  constructor(message: string, origin: TaskOrigin, options?: MobulaErrorOptions) {
    super('ERR_MOBULA_WORKER_DIED', message, origin, options);
  }
}

/** The call is part of a cycle of waits, and would never have begun. `cycle` names who waits for whom. */
export class DeadlockError extends AttemptError {
  /** Names of tasks and calls: each waits for the next, and the last for the first. */
  readonly cycle: readonly string[];

  constructor(message: string, origin: TaskOrigin, cycle: readonly string[]) {
    super('ERR_MOBULA_DEADLOCK', message, origin);
    this.cycle = cycle;
  }
}

/** The actor is dead: its constructor threw, it was killed, or its thread died with no restarts left. */
export class ActorDiedError extends MobulaError {
  constructor(message: string, options?: MobulaErrorOptions) {
    super('ERR_MOBULA_ACTOR_DIED', message, options);
  }
}

/** Another live actor of the namespace has the name: the actor was not made. */
export class ActorNameTakenError extends MobulaError {
  constructor(message: string) {
    super('ERR_MOBULA_ACTOR_NAME_TAKEN', message);
  }
}

/** The node that was to run something is dead, or there is none of that id. */
export class NodeDiedError extends MobulaError {
  constructor(message: string, options?: MobulaErrorOptions) {
    super('ERR_MOBULA_NODE_DIED', message, options);
  }
}

/** In a cluster: the control store did not answer. One machine never raises it. */
export class ControlStoreUnavailableError extends MobulaError {
  constructor(message: string, options?: MobulaErrorOptions) {
    super('ERR_MOBULA_CONTROL_STORE_UNAVAILABLE', message, options);
  }
}

/** In a cluster: the control store lost what it had confirmed. One machine never raises it. */
export class ControlStoreDataLossError extends MobulaError {
  constructor(message: string, options?: MobulaErrorOptions) {
    super('ERR_MOBULA_CONTROL_STORE_DATA_LOSS', message, options);
  }
}

/** In a cluster: the head started again without its state. One machine never raises it. */
export class ClusterStateLostError extends MobulaError {
  constructor(message: string, options?: MobulaErrorOptions) {
    super('ERR_MOBULA_CLUSTER_STATE_LOST', message, options);
  }
}

/** The value is gone and its lineage cannot rebuild it. */
export class ObjectLostError extends MobulaError {
  constructor(message: string, options?: MobulaErrorOptions) {
    super('ERR_MOBULA_OBJECT_LOST', message, options);
  }
}

function onTheWay(error: MobulaError): ErrorOnTheWay {
  const { name, message, stack, cause } = error;
  return { name, message, stack, cause, fields: { ...error } };
}

/** Rebuilds a mobula error that came from another thread: class, code, fields, cause and stack. */
export function reviveError(described: unknown): MobulaError {
  const { name, message, stack, cause, fields } = described as ErrorOnTheWay;
  const prototype =
    TaskError.name === name ? TaskError.prototypeFor(cause) : (classes.get(name) ?? MobulaError).prototype;
  const error = new MobulaError(fields['code'] as ErrorCode, message, { cause });
  Object.setPrototypeOf(error, prototype);
  Object.assign(error, fields);
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  if (name === TaskError.name) Object.defineProperty(error, taskErrorBrand, { value: true });
  return error;
}

const classes = new Map<string, { readonly prototype: MobulaError }>(
  [
    SerializationError,
    CaptureError,
    ObjectStoreFullError,
    UnschedulableError,
    PendingCallsLimitError,
    RuntimeClosedError,
    GetTimeoutError,
    TaskTimeoutError,
    TaskCancelledError,
    WorkerDiedError,
    DeadlockError,
    ActorDiedError,
    ActorNameTakenError,
    NodeDiedError,
    ControlStoreUnavailableError,
    ControlStoreDataLossError,
    ClusterStateLostError,
    ObjectLostError,
  ].map((errorClass) => [errorClass.name, errorClass]),
);
