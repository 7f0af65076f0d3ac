import { basename } from 'node:path';
import { isLoopbackHost, parseAddress } from '../common/address.ts';
import { jobName } from '../common/ids.ts';
import type { ResolvedClusterOptions, ResolvedInitOptions } from '../common/init-options.ts';
import type { NodeFacts } from '../core/node-facts.ts';
import { BEGUN_BYTES } from '../core/run/begun.ts';
import { addon } from '../native/binding.ts';
import { readToken } from '../transport/proof/token.ts';
import { AgentHost } from './agent-host.ts';
import type { AgentConfig } from './agent-messages.ts';
import { startCore } from './core.ts';
import { findHead } from './home/find-head.ts';
import { home } from './home/paths.ts';
import { nodeFacts } from './node-facts.ts';

const LOOPBACK = '127.0.0.1';
const HEAD_TIMEOUT_MS = 600_000;

/** A node that a cluster has taken in. Its core is up. */
export interface Joined {
  readonly facts: NodeFacts;
  readonly agent: AgentHost;
}

/**
 * Starts the core of this process and has a cluster take it in, as the node of a driver.
 *
 * @throws {MobulaError} `ERR_MOBULA_UNAUTHORIZED`: there is no token, or another one; `ERR_MOBULA_CONNECTION`: no head is there;
 * `ERR_MOBULA_VERSION`: it speaks another version.
 */
export function joinAsDriver(options: ResolvedInitOptions, cluster: ResolvedClusterOptions): Promise<Joined> {
  const { token: tokenFile, run } = home();
  const address = findHead(cluster.address, run);
  const token = cluster.authToken ?? readToken(process.env, tokenFile);
  const isHere = isLoopbackHost(parseAddress(address)?.host ?? '');
  const { namespace, labels } = options;
  return join(options, {
    root: process.cwd(),
    address,
    token,
    labels,
    job: { name: basename(process.argv[1] ?? 'node'), namespace },
    // Others reach a driver over the connections that it makes; on one machine, over theirs too.
    bind: LOOPBACK,
    advertise: isHere ? LOOPBACK : '',
    firstTimeoutMs: 0,
    headTimeoutMs: HEAD_TIMEOUT_MS,
  });
}

/** Starts the core of this process, and its agent, which a cluster takes in. */
export async function join(
  options: ResolvedInitOptions,
  { root, ...config }: Omit<AgentConfig, 'facts' | 'output'> & { readonly root: string },
): Promise<Joined> {
  // A driver has no supervisor that reads its page.
  const page = config.job === undefined ? { begunFd: addon.openBegun(BEGUN_BYTES) } : {};
  const facts: NodeFacts = { ...nodeFacts(options, root), ...page };
  startCore(options, facts.totals);
  try {
    const agent = await AgentHost.start({ ...config, facts });
    return { facts: { ...facts, jobId: jobName(agent.job) }, agent };
  } catch (error) {
    addon.stop();
    throw error;
  }
}
