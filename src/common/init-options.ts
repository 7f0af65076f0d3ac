import { MobulaError } from './errors.ts';
import { amount, badOption, checkKnown, customResources, notBuilt, text, whole } from './options.ts';

/** Any logger in the shape of pino's. */
export interface Logger {
  /** What only helps to find a fault. */
  debug(fields: object, message: string): void;
  /** What happened as it should. */
  info(fields: object, message: string): void;
  /** What somebody should look at. */
  warn(fields: object, message: string): void;
  /** What failed. */
  error(fields: object, message: string): void;
}

/** What `init` takes. */
export interface InitOptions {
  /** CPUs that tasks may hold. Default: those this process may use (affinity and control-group quota). */
  readonly numCpus?: number;
  /** GPUs; they are counted, not isolated. Default: 0. */
  readonly numGpus?: number;
  /** Custom resources, in steps of 0.0001. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Bytes that objects may take in memory, or such as '512MiB'. Default: 30 % of the memory limit. */
  readonly objectStoreMemory?: number | `${number}MiB` | `${number}GiB`;
  /** An existing directory for objects that do not fit into memory. Default: `os.tmpdir()`. */
  readonly spillDirectory?: string;
  /** Labels of this node, as `nodes()` shows them. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** 'thread': user code runs in threads of this process. 'process' is not built yet and refused. Default: 'thread'. */
  readonly isolation?: 'thread' | 'process';
  /** With isolation 'process'. Not built yet: refused. */
  readonly processes?: number;
  /**
   * The cluster to join: host and port of its head, or 'auto' for the head on this machine. This process becomes a driver node, with
   * 0 CPUs unless `numCpus` is given. Default: `MOBULA_ADDRESS` of the environment, else none: this machine alone.
   */
  readonly address?: string;
  /** In a cluster: the token that lets this process join. Default: `MOBULA_AUTH_TOKEN`, else `~/.mobula/auth_token`. */
  readonly authToken?: string;
  /** In a cluster: what is added to `process.env` of this job's workers. Not built yet: refused. */
  readonly env?: Readonly<Record<string, string>>;
  /** In a cluster: the folder that is sent to nodes without the application. Not built yet: refused. */
  readonly workingDir?: string;
  /** In a cluster: milliseconds for which no node may have what a task asks for, before it fails. Default: 10 000. */
  readonly infeasibleAfterMs?: number;
  /**
   * Look at what a function took along again at each later call, and throw a `CaptureError` when captured data has changed since it was copied. For
   * tests and development: a call then costs what the first one did. Default: false.
   */
  readonly checkCaptures?: boolean;
  /** Default namespace of named actors. Default: 'default'. */
  readonly namespace?: string;
  /** Default: none. */
  readonly logger?: Logger;
  /** Give the runtime that is up instead of throwing. Default: false. */
  readonly ignoreReinit?: boolean;
}

/** `InitOptions`, checked and complete. */
export interface ResolvedInitOptions {
  readonly numCpus: number;
  readonly numGpus: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly memory: number;
  readonly objectStoreMemory: number;
  readonly spillDirectory: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly checkCaptures: boolean;
  readonly namespace: string;
  readonly logger: Logger | undefined;
  /** Set where the process joins a cluster. */
  readonly cluster: ResolvedClusterOptions | undefined;
}

/** What joining a cluster takes. */
export interface ResolvedClusterOptions {
  /** Host and port, or 'auto'. */
  readonly address: string;
  readonly authToken: string | undefined;
  readonly infeasibleAfterMs: number;
}

/** What the machine has, for defaults. */
export interface Machine {
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
}

const MIB = 2 ** 20;
const STORE_SHARE = 0.3;
const MAX_CPUS = 1024;
const INFEASIBLE_MS = 10_000;
const MAX_MS = 2 ** 31 - 1;

/** Options that mean something in a cluster only. */
const clusterOptions = ['address', 'authToken', 'env', 'workingDir', 'infeasibleAfterMs'] as const;

const known: readonly string[] = [
  'numCpus',
  'numGpus',
  'resources',
  'objectStoreMemory',
  'spillDirectory',
  'labels',
  'isolation',
  'processes',
  'checkCaptures',
  ...clusterOptions,
  'namespace',
  'logger',
  'ignoreReinit',
];

/** Checks `init`'s options and fills in what is missing. */
export function resolveInitOptions(options: InitOptions, machine: Machine): ResolvedInitOptions {
  checkKnown(options, known, 'InitOptions');
  checkIsolation(options);
  const cluster = clusterOf(options);
  const cpus = cluster === undefined ? machine.cpus : 0;
  const numCpus = options.numCpus === undefined ? cpus : amount('numCpus', options.numCpus);
  if (numCpus > MAX_CPUS) throw badOption('numCpus', numCpus, `at most ${MAX_CPUS}`);
  return {
    numCpus,
    numGpus: options.numGpus === undefined ? 0 : amount('numGpus', options.numGpus),
    resources: options.resources === undefined ? {} : customResources(options.resources),
    memory: machine.memory,
    objectStoreMemory: storeMemory(options.objectStoreMemory, machine),
    spillDirectory: options.spillDirectory === undefined ? undefined : text('spillDirectory', options.spillDirectory),
    labels: options.labels === undefined ? {} : nodeLabels(options.labels),
    checkCaptures: switched('checkCaptures', options.checkCaptures),
    namespace: options.namespace === undefined ? 'default' : text('namespace', options.namespace),
    logger: options.logger === undefined ? undefined : checkLogger(options.logger),
    cluster,
  };
}

function clusterOf(options: InitOptions): ResolvedClusterOptions | undefined {
  const { address, authToken, infeasibleAfterMs } = options;
  for (const name of ['env', 'workingDir'] as const) {
    const leave = 'Leave it out: nodes have the application and its environment already.';
    if (options[name] !== undefined) throw notBuilt(name, JSON.stringify(options[name]), leave);
  }
  if (address === undefined) {
    for (const name of ['authToken', 'infeasibleAfterMs'] as const) {
      if (options[name] === undefined) continue;
      const problem = `Option ${name} means something in a cluster only. Give the address of one, or leave ${name} out.`;
      throw new MobulaError('ERR_MOBULA_CLUSTER', problem);
    }
    return undefined;
  }
  return {
    address: text('address', address),
    authToken: authToken === undefined ? undefined : text('authToken', authToken),
    infeasibleAfterMs:
      infeasibleAfterMs === undefined ? INFEASIBLE_MS : whole('infeasibleAfterMs', infeasibleAfterMs, 0, MAX_MS),
  };
}

function checkIsolation({ isolation, processes }: InitOptions): void {
  const advice = 'Leave it out: user code runs in threads of this process.';
  if (isolation === 'process') throw notBuilt('isolation', isolation, advice);
  if (isolation !== undefined && isolation !== 'thread') throw badOption('isolation', isolation, "'thread'");
  if (processes !== undefined) throw notBuilt('processes', processes, advice);
}

function checkLogger(logger: Logger): Logger {
  const methods: readonly (keyof Logger)[] = ['debug', 'info', 'warn', 'error'];
  if (methods.every((name) => typeof logger?.[name] === 'function')) return logger;
  throw badOption('logger', logger, `an object with the methods ${methods.join(', ')}`);
}

/** Labels of a node: an object of texts. */
export function nodeLabels(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) throw badOption('labels', value, 'an object of texts');
  const labels: Record<string, string> = {};
  for (const [name, label] of Object.entries(value))
    labels[text('labels (a name)', name)] = text(`labels.${name}`, label);
  return labels;
}

function switched(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw badOption(name, value, 'true or false');
  return value;
}

function storeMemory(value: unknown, machine: Machine): number {
  if (value === undefined) return Math.max(MIB, Math.floor(machine.memory * STORE_SHARE));
  return memorySize('objectStoreMemory', value);
}

/** An amount of memory in bytes, at least 1 MiB, from such a number or from a text such as '512MiB'. */
export function memorySize(name: string, value: unknown): number {
  if (typeof value === 'number') return whole(name, value, MIB, Number.MAX_SAFE_INTEGER);
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(MiB|GiB)$/.exec(value) : null;
  if (match === null) throw badOption(name, value, "a number of bytes, or such as '512MiB' or '2GiB'");
  return whole(
    name,
    Math.floor(Number(match[1]) * (match[2] === 'GiB' ? 1024 * MIB : MIB)),
    MIB,
    Number.MAX_SAFE_INTEGER,
  );
}
