import { MobulaError } from './errors.ts';
import { amount, badOption, checkKnown, customResources, text, whole } from './options.ts';

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
  /** The cluster to join. This version runs on one machine and refuses it. */
  readonly address?: string;
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
  readonly checkCaptures: boolean;
  readonly namespace: string;
  readonly logger: Logger | undefined;
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

const known: readonly string[] = [
  'numCpus',
  'numGpus',
  'resources',
  'objectStoreMemory',
  'spillDirectory',
  'address',
  'checkCaptures',
  'namespace',
  'logger',
  'ignoreReinit',
];

/** Checks `init`'s options and fills in what is missing. */
export function resolveInitOptions(options: InitOptions, machine: Machine): ResolvedInitOptions {
  checkKnown(options, known, 'InitOptions');
  if (options.address !== undefined) {
    const advice = 'This version runs on one machine: leave address (and MOBULA_ADDRESS) away.';
    throw new MobulaError('ERR_MOBULA_CLUSTER', `Option address is ${JSON.stringify(options.address)}. ${advice}`);
  }
  const numCpus = options.numCpus === undefined ? machine.cpus : amount('numCpus', options.numCpus);
  if (numCpus > MAX_CPUS) throw badOption('numCpus', numCpus, `at most ${MAX_CPUS}`);
  return {
    numCpus,
    numGpus: options.numGpus === undefined ? 0 : amount('numGpus', options.numGpus),
    resources: options.resources === undefined ? {} : customResources(options.resources),
    memory: machine.memory,
    objectStoreMemory: storeMemory(options.objectStoreMemory, machine),
    spillDirectory: options.spillDirectory === undefined ? undefined : text('spillDirectory', options.spillDirectory),
    checkCaptures: switched('checkCaptures', options.checkCaptures),
    namespace: options.namespace === undefined ? 'default' : text('namespace', options.namespace),
    logger: options.logger,
  };
}

function switched(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw badOption(name, value, 'true or false');
  return value;
}

function storeMemory(value: unknown, machine: Machine): number {
  const name = 'objectStoreMemory';
  if (value === undefined) return Math.max(MIB, Math.floor(machine.memory * STORE_SHARE));
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
