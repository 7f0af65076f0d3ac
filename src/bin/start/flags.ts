import { type ParseArgsConfig, parseArgs } from 'node:util';
import { withoutPage } from '../../common/error-page.ts';
import { isMobulaError } from '../../common/errors.ts';
import { UsageError } from '../command.ts';
import {
  type Reader,
  readAddress,
  readAmount,
  readDuration,
  readFolder,
  readHost,
  readLabels,
  readMemory,
  readPort,
  readPorts,
  readResources,
  readSeconds,
} from './values.ts';

/** A flag with a value. `with`: the only one of `--head` and `--address` that it goes with. */
interface Flag<T> {
  readonly read: Reader<T>;
  readonly with?: 'head' | 'address';
}

const text: Reader<string> = (_flag, given) => given;

/** What flags with a value give. Times are in milliseconds. */
interface Values {
  readonly address: string;
  readonly bind: string;
  readonly advertise: string;
  readonly port: number;
  readonly 'data-dir': string;
  readonly 'node-timeout': number;
  readonly reconnect: number;
  readonly 'num-cpus': number;
  readonly 'num-gpus': number;
  readonly resources: Record<string, number>;
  readonly labels: Record<string, string>;
  readonly 'object-store-memory': number;
  readonly root: string;
  readonly ports: readonly [first: number, last: number];
  readonly 'head-timeout': number;
  readonly drain: number;
}

const flags: { readonly [Name in keyof Values]: Flag<Values[Name]> } = {
  address: { read: readAddress },
  bind: { read: readHost },
  advertise: { read: readHost },
  port: { read: readPort, with: 'head' },
  'data-dir': { read: text, with: 'head' },
  'node-timeout': { read: readDuration, with: 'head' },
  reconnect: { read: readDuration, with: 'head' },
  'num-cpus': { read: readAmount },
  'num-gpus': { read: readAmount },
  resources: { read: readResources },
  labels: { read: readLabels },
  'object-store-memory': { read: readMemory },
  root: { read: readFolder },
  ports: { read: readPorts, with: 'address' },
  'head-timeout': { read: readSeconds, with: 'address' },
  drain: { read: readSeconds },
};

/** Flags without a value. */
const switches: readonly ['head', 'detach', 'json'] = ['head', 'detach', 'json'];

/** What was given: a missing flag is absent, a missing switch false. */
export type Flags = Partial<Values> & { readonly [Name in (typeof switches)[number]]: boolean };

/**
 * Reads a command line.
 *
 * @throws UsageError, or an error of `util.parseArgs`: it makes no sense.
 */
export function readFlags(args: readonly string[]): Flags {
  const options: ParseArgsConfig['options'] = {};
  for (const name of Object.keys(flags)) options[name] = { type: 'string' };
  for (const name of switches) options[name] = { type: 'boolean' };
  const values: Readonly<Record<string, unknown>> = parseArgs({ args: [...args], options }).values;
  const form = formOf(values['head'] === true, values['address'] !== undefined);
  const read: Record<string, unknown> = {};
  for (const name of switches) read[name] = values[name] === true;
  for (const [name, flag] of Object.entries<Flag<unknown>>(flags)) {
    const value = values[name];
    if (value === undefined) continue;
    if (flag.with !== undefined && flag.with !== form) throw new UsageError(`--${name} goes with --${flag.with}`);
    read[name] = blameFlag(() => flag.read(`--${name}`, String(value)));
  }
  return read as unknown as Flags;
}

function formOf(head: boolean, address: boolean): 'head' | 'address' {
  if (head && address) throw new UsageError('--head starts a head, and --address names another one: give one of them');
  if (head) return 'head';
  if (address) return 'address';
  throw new UsageError('give --head for the first process of a cluster, or --address HOST:PORT to join one');
}

/** A wrong value is a mistake of the command line. */
export function blameFlag<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isMobulaError(error) || error.code !== 'ERR_MOBULA_INVALID_OPTION') throw error;
    throw new UsageError(withoutPage(error.message));
  }
}
