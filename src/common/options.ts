import { MobulaError } from './errors.ts';

/** What one attempt holds while it runs. */
export interface ResourceOptions {
  /** CPUs, in steps of 0.0001. Default: 1 for a task, 0 for an actor. */
  readonly numCpus?: number;
  /** GPUs, in steps of 0.0001; they are counted, not isolated. Default: 0. */
  readonly numGpus?: number;
  /** Custom resources that nodes were started with, in steps of 0.0001. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Bytes of memory, counted and not enforced. */
  readonly memory?: number;
}

/** One node, by its id. */
export interface NodeAffinity {
  /** The node that is to run the task. */
  readonly nodeId: string;
  /** Whether another node will do when that one cannot. Default: false. */
  readonly soft?: boolean;
}

/** Where a task may run. */
export type SchedulingStrategy = 'default' | 'spread' | NodeAffinity;

/** A class of errors. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` accepts every constructor
export type ErrorClass = abstract new (...args: any[]) => Error;

/** Options of a remote function. */
export interface TaskOptions extends ResourceOptions {
  /** What errors and events call the task. Default: the function's name. */
  readonly name?: string;
  /** More than 1: the function returns an array of that length, and a call gives that many refs. Default: 1. */
  readonly numReturns?: number;
  /**
   * Attempts after the first when the system fails; -1 = without end. Default: 3, and then a task that has ended three
   * workers by itself is not tried again either.
   */
  readonly maxRetries?: number;
  /**
   * Retry what the function throws as well: all of it, or what is of one of these classes, or of a class derived from one.
   * Classes are compared by their names, as a class is another in each thread. Default: false.
   */
  readonly retryExceptions?: boolean | readonly ErrorClass[];
  /** Milliseconds an attempt may take; then it is stopped, and the ref rejects with `TaskTimeoutError`. Default: no limit. */
  readonly timeoutMs?: number;
  /** Aborting it cancels the task. */
  readonly signal?: AbortSignal;
  /** Higher runs first among ready tasks; -1000 to 1000. Default: 0. */
  readonly priority?: number;
  /**
   * Where the task may run. On one machine there is one node, so 'default' and 'spread' are the same, and a call with the id
   * of another node throws `NodeDiedError` unless it is `soft`. Default: 'default'.
   */
  readonly schedulingStrategy?: SchedulingStrategy;
}

/** Options of an actor class. */
export interface ActorOptions extends ResourceOptions {
  /** A name under which `getActor` finds the actor, unique in its namespace. */
  readonly name?: string;
  /** Default: that of the runtime. */
  readonly namespace?: string;
  /** With `name`: give a handle to the actor that has the name, if there is one. Default: false. */
  readonly getIfExists?: boolean;
  /** 'detached': lives on when no handle is left, until it is killed or the process ends. Default: it ends with its last handle. */
  readonly lifetime?: 'detached';
  /** Restarts, by constructing it again, when its thread dies; -1 = without end. Default: 0. */
  readonly maxRestarts?: number;
  /** Further attempts of a call that was under way when the thread died; -1 = without end. Default: 0. */
  readonly maxTaskRetries?: number;
  /** Calls of async methods that may be under way at once. Default: 1. */
  readonly maxConcurrency?: number;
  /** Calls that may wait; the next throws `PendingCallsLimitError`. -1 = no limit. Default: -1. */
  readonly maxPendingCalls?: number;
  /**
   * 'shared': shares a thread with other actors. 'thread': has one to itself. Default: 'shared'.
   * 'process', a process to itself, is not built yet and refused.
   */
  readonly isolation?: 'shared' | 'thread' | 'process';
  /** As for tasks. Default: 'default'. */
  readonly schedulingStrategy?: SchedulingStrategy;
  /** Calls between checkpoints of a class with `checkpoint()` and `restore()`. Not built yet: refused. */
  readonly checkpointEvery?: number;
  /** Methods that a replay may leave out. Not built yet: refused. */
  readonly readOnly?: readonly string[];
}

/** `TaskOptions`, checked and complete, as they travel. */
export interface ResolvedTaskOptions {
  readonly name: string;
  readonly numCpus: number;
  readonly numGpus: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly memory: number;
  readonly numReturns: number;
  readonly maxRetries: number;
  /** Workers that the task may end before it fails although it has retries left; -1 = no limit. */
  readonly maxKills: number;
  readonly retryExceptions: boolean | readonly string[];
  readonly timeoutMs: number;
  readonly priority: number;
  readonly schedulingStrategy: SchedulingStrategy;
}

/** `ActorOptions`, checked and complete, as they travel. */
export interface ResolvedActorOptions {
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly getIfExists: boolean;
  readonly detached: boolean;
  readonly numCpus: number;
  readonly numGpus: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly memory: number;
  readonly maxRestarts: number;
  readonly maxTaskRetries: number;
  readonly maxConcurrency: number;
  readonly maxPendingCalls: number;
  readonly isolation: 'shared' | 'thread';
  readonly schedulingStrategy: SchedulingStrategy;
}

/** Refuses what API and types name, and this version has not. */
export function notBuilt(name: string, value: unknown, advice: string): MobulaError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return new MobulaError(
    'ERR_MOBULA_NOT_BUILT',
    `Option ${name} is ${shown}, which this version cannot do yet. ${advice}`,
  );
}

/** Refuses an option. */
export function badOption(name: string, value: unknown, expected: string): MobulaError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return new MobulaError('ERR_MOBULA_INVALID_OPTION', `Option ${name} is ${shown}; it must be ${expected}.`);
}

/** Refuses options that nobody knows: a misspelt option must not be ignored. */
export function checkKnown(options: object, known: readonly string[], of: string): void {
  if (typeof options !== 'object' || options === null) throw badOption(of, options, 'an object');
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw new MobulaError('ERR_MOBULA_INVALID_OPTION', `${of} has no option ${key}. Known: ${known.join(', ')}.`);
  }
}

/** A whole number from `min` to `max`. */
export function whole(name: string, value: unknown, min: number, max: number): number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw badOption(name, value, `a whole number from ${min} to ${max}`);
}

/** An amount of a resource: at least 0, in steps of 0.0001. */
export function amount(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= 1e9) {
    const steps = Math.round(value * 10_000);
    if (Math.abs(steps - value * 10_000) < 1e-3) return steps / 10_000;
  }
  throw badOption(name, value, 'a number of at least 0, in steps of 0.0001');
}

/** A name: 1 to 256 characters, none of them half of a surrogate pair, which no encoding could tell from another. */
export function text(name: string, value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 256 && !/\p{Surrogate}/u.test(value))
    return value;
  throw badOption(name, value, 'a string of 1 to 256 whole characters');
}

/** -1 or a whole number of at least 0. */
export function endless(name: string, value: unknown): number {
  if (value === -1) return -1;
  return whole(`${name} (-1 = without end)`, value, 0, 2 ** 31 - 1);
}

const reserved = ['CPU', 'GPU', 'memory', 'numCpus', 'numGpus'];

/** Custom resources; `CPU`, `GPU` and `memory` have options of their own. */
export function customResources(value: unknown): Record<string, number> {
  if (typeof value !== 'object' || value === null) throw badOption('resources', value, 'an object of amounts');
  const amounts: Record<string, number> = {};
  for (const [name, quantity] of Object.entries(value)) {
    if (reserved.includes(name)) {
      throw badOption(`resources.${name}`, quantity, 'absent: use numCpus, numGpus or memory');
    }
    amounts[text('resources (a name)', name)] = amount(`resources.${name}`, quantity);
  }
  return amounts;
}

const resourceKeys = ['numCpus', 'numGpus', 'resources', 'memory'];
const taskKeys: readonly string[] = [
  ...resourceKeys,
  'name',
  'numReturns',
  'maxRetries',
  'retryExceptions',
  'timeoutMs',
  'signal',
  'priority',
  'schedulingStrategy',
];

/** Checks task options and fills in what is missing from `base`. */
export function resolveTaskOptions(options: TaskOptions, base: ResolvedTaskOptions): ResolvedTaskOptions {
  checkKnown(options, taskKeys, 'TaskOptions');
  checkSignal(options.signal);
  return {
    name: options.name === undefined ? base.name : text('name', options.name),
    ...resolveResources(options, base),
    numReturns:
      options.numReturns === undefined ? base.numReturns : whole('numReturns', options.numReturns, 1, 1_000_000),
    maxRetries: options.maxRetries === undefined ? base.maxRetries : endless('maxRetries', options.maxRetries),
    maxKills: options.maxRetries === undefined ? base.maxKills : -1,
    retryExceptions:
      options.retryExceptions === undefined ? base.retryExceptions : resolveRetries(options.retryExceptions),
    timeoutMs: options.timeoutMs === undefined ? base.timeoutMs : whole('timeoutMs', options.timeoutMs, 1, 2 ** 31 - 1),
    priority: options.priority === undefined ? base.priority : whole('priority', options.priority, -1000, 1000),
    schedulingStrategy: strategy(options.schedulingStrategy, base.schedulingStrategy),
  };
}

export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw badOption('signal', signal, 'an AbortSignal');
}

function resolveRetries(value: unknown): boolean | readonly string[] {
  if (typeof value === 'boolean') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'function')) {
    return value.map((item: { name: string }) => item.name);
  }
  throw badOption('retryExceptions', value, 'true, false or an array of error classes');
}

function strategy(value: unknown, base: SchedulingStrategy): SchedulingStrategy {
  if (value === undefined) return base;
  if (value === 'default' || value === 'spread') return value;
  if (typeof value !== 'object' || value === null || !('nodeId' in value)) {
    throw badOption('schedulingStrategy', value, "'default', 'spread' or { nodeId, soft? }");
  }
  checkKnown(value, ['nodeId', 'soft'], 'schedulingStrategy');
  const { nodeId, soft = false } = value as { nodeId: unknown; soft?: unknown };
  if (typeof soft !== 'boolean') throw badOption('schedulingStrategy.soft', soft, 'true or false');
  return { nodeId: text('schedulingStrategy.nodeId', nodeId), soft };
}

/** What a task holds unless told otherwise. */
export const taskDefaults: ResolvedTaskOptions = {
  name: 'anonymous',
  numCpus: 1,
  numGpus: 0,
  resources: {},
  memory: 0,
  numReturns: 1,
  maxRetries: 3,
  maxKills: 3,
  retryExceptions: false,
  timeoutMs: 0,
  priority: 0,
  schedulingStrategy: 'default',
};

const actorKeys: readonly string[] = [
  ...resourceKeys,
  'name',
  'namespace',
  'getIfExists',
  'lifetime',
  'maxRestarts',
  'maxTaskRetries',
  'maxConcurrency',
  'maxPendingCalls',
  'isolation',
  'schedulingStrategy',
  'checkpointEvery',
  'readOnly',
];

/** Checks actor options and fills in what is missing from `base`. */
export function resolveActorOptions(options: ActorOptions, base: ResolvedActorOptions): ResolvedActorOptions {
  checkKnown(options, actorKeys, 'ActorOptions');
  const { lifetime, isolation } = options;
  if (lifetime !== undefined && lifetime !== 'detached') throw badOption('lifetime', lifetime, "'detached' or absent");
  if (isolation === 'process') {
    throw notBuilt('isolation', isolation, "Use 'thread': a thread of the actor's own, which may die alone.");
  }
  if (isolation !== undefined && isolation !== 'shared' && isolation !== 'thread') {
    throw badOption('isolation', isolation, "'shared' or 'thread'");
  }
  for (const name of ['checkpointEvery', 'readOnly'] as const) {
    const asked = options[name];
    if (asked !== undefined)
      throw notBuilt(name, asked, 'Leave it out: a restarted actor begins with its constructor.');
  }
  const resolved: ResolvedActorOptions = {
    name: options.name === undefined ? base.name : text('name', options.name),
    namespace: options.namespace === undefined ? base.namespace : text('namespace', options.namespace),
    getIfExists: options.getIfExists ?? base.getIfExists,
    detached: lifetime === undefined ? base.detached : true,
    ...resolveResources(options, base),
    maxRestarts: options.maxRestarts === undefined ? base.maxRestarts : endless('maxRestarts', options.maxRestarts),
    maxTaskRetries:
      options.maxTaskRetries === undefined ? base.maxTaskRetries : endless('maxTaskRetries', options.maxTaskRetries),
    maxConcurrency:
      options.maxConcurrency === undefined
        ? base.maxConcurrency
        : whole('maxConcurrency', options.maxConcurrency, 1, 1_000_000),
    maxPendingCalls:
      options.maxPendingCalls === undefined
        ? base.maxPendingCalls
        : endless('maxPendingCalls', options.maxPendingCalls),
    isolation: isolation ?? base.isolation,
    schedulingStrategy: strategy(options.schedulingStrategy, base.schedulingStrategy),
  };
  if (typeof resolved.getIfExists !== 'boolean') throw badOption('getIfExists', resolved.getIfExists, 'true or false');
  if (resolved.getIfExists && resolved.name === undefined) {
    throw badOption('getIfExists', true, 'given together with a name');
  }
  return resolved;
}

/** What an actor holds unless told otherwise. */
export const actorDefaults: ResolvedActorOptions = {
  name: undefined,
  namespace: undefined,
  getIfExists: false,
  detached: false,
  numCpus: 0,
  numGpus: 0,
  resources: {},
  memory: 0,
  maxRestarts: 0,
  maxTaskRetries: 0,
  maxConcurrency: 1,
  maxPendingCalls: -1,
  isolation: 'shared',
  schedulingStrategy: 'default',
};

type Resources = Pick<ResolvedTaskOptions, 'numCpus' | 'numGpus' | 'resources' | 'memory'>;

function resolveResources(options: ResourceOptions, base: Resources): Resources {
  return {
    numCpus: options.numCpus === undefined ? base.numCpus : amount('numCpus', options.numCpus),
    numGpus: options.numGpus === undefined ? base.numGpus : amount('numGpus', options.numGpus),
    resources: options.resources === undefined ? base.resources : customResources(options.resources),
    memory: options.memory === undefined ? base.memory : whole('memory', options.memory, 0, Number.MAX_SAFE_INTEGER),
  };
}
