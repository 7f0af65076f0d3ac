import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findHead } from '../../boot/home/find-head.ts';
import { headToken } from '../../boot/home/head-token.ts';
import type { Home } from '../../boot/home/paths.ts';
import type { HeadPlan, Plan } from '../../boot/supervisor/group.ts';
import { isEveryInterface, isLoopbackHost, parseAddress } from '../../common/address.ts';
import { readToken } from '../../transport/proof/token.ts';
import { UsageError } from '../command.ts';
import type { Flags } from './flags.ts';

/** The port of a head unless told otherwise. */
const PORT = 6380;
const LOOPBACK = '127.0.0.1';

/** Whose command it is. */
export interface User {
  readonly home: Home;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * What is to be started.
 *
 * @throws UsageError: flags do not go together; MobulaError `ERR_MOBULA_UNAUTHORIZED`: there is no token, or a
 * file that is refused; `ERR_MOBULA_CONNECTION`: 'auto', and there is no head, or several.
 */
export function planOf(flags: Flags, user: User): Plan {
  refuseUnreachable(flags);
  return flags.head ? headPlan(flags, user) : nodePlan(flags, user);
}

/** All interfaces are no host that others could be told: none is guessed. */
function refuseUnreachable({ bind = LOOPBACK, advertise }: Flags): void {
  if (!isEveryInterface(advertise ?? bind)) return;
  const flag = advertise === undefined ? `--bind ${bind}` : `--advertise ${advertise}`;
  throw new UsageError(`${flag} is all interfaces: give --advertise, the host that others reach this one at`);
}

function headPlan(flags: Flags, { home, environment }: User): Plan {
  const { bind = LOOPBACK, port = PORT, advertise, 'data-dir': dataDir } = flags;
  if (port === 0 && dataDir === undefined) {
    throw new UsageError('--port 0 has no data directory of its own: give --data-dir, too');
  }
  const local = localPlan(flags);
  // What is kept there is for this user alone.
  if (dataDir === undefined) mkdirSync(home.data, { recursive: true, mode: 0o700 });
  const head: HeadPlan = {
    token: headToken(environment, home.token),
    bind,
    port,
    ...(advertise !== undefined && { advertise }),
    dataDir: resolve(dataDir ?? join(home.data, `${port}`)),
    nodeTimeoutMs: flags['node-timeout'] ?? 5000,
    reconnectMs: flags.reconnect ?? 60_000,
  };
  const plan = { head, drainMs: drainMs(flags) };
  return flags['num-cpus'] === 0 ? plan : { ...plan, node: { ...local, token: head.token, bind } };
}

function nodePlan(flags: Flags, { home, environment }: User): Plan {
  const address = findHead(flags.address ?? 'auto', home.run);
  const { host = '' } = parseAddress(address) ?? {};
  if (flags.bind === undefined && !isLoopbackHost(host)) {
    const advice = 'an address of this machine that the others reach, or 0.0.0.0 with --advertise';
    throw new UsageError(`other nodes have to reach this one: give --bind, ${advice}`);
  }
  const node = {
    ...localPlan(flags),
    token: readToken(environment, home.token),
    address,
    bind: flags.bind ?? LOOPBACK,
    ...(flags.ports && { ports: flags.ports }),
  };
  return { node, drainMs: drainMs(flags) };
}

function drainMs({ drain }: Flags): number {
  return drain ?? 25_000;
}

/** What a node is told of its machine, beside a head or alone. */
function localPlan(flags: Flags) {
  const { advertise, resources, labels } = flags;
  return {
    ...(advertise !== undefined && { advertise }),
    ...(flags['num-cpus'] !== undefined && { numCpus: flags['num-cpus'] }),
    ...(flags['num-gpus'] !== undefined && { numGpus: flags['num-gpus'] }),
    ...(resources !== undefined && { resources }),
    ...(labels !== undefined && { labels }),
    ...(flags['object-store-memory'] !== undefined && { objectStoreMemory: flags['object-store-memory'] }),
    root: flags.root ?? process.cwd(),
    headTimeoutMs: flags['head-timeout'] ?? 600_000,
  };
}
