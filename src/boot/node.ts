import { isEveryInterface, isLoopbackHost, parseAddress } from '../common/address.ts';
import { resolveInitOptions } from '../common/init-options.ts';
import type { NodeFacts } from '../core/node-facts.ts';
import { addon } from '../native/binding.ts';
import { DriverNode } from './driver.ts';
import { join } from './join.ts';
import type { Served } from './supervisor/child.ts';
import type { NodeConfig, NodeReady } from './supervisor/contract.ts';

const LOOPBACK = '127.0.0.1';
/** How long a node that replaces another waits for the head. */
const AGAIN_MS = 600_000;

/** Starts a node of a cluster: a process without a program, whose workers run tasks of others. */
export async function startNode(config: NodeConfig): Promise<Served<NodeReady>> {
  const { address, token, bind = LOOPBACK, ports, headTimeoutMs, start, labels = {} } = config;
  const machine = { cpus: addon.usableCpus(), memory: addon.memoryLimit() };
  const { numCpus = machine.cpus, numGpus, resources, objectStoreMemory } = config;
  const asked = { numCpus, numGpus, resources, objectStoreMemory, labels, address };
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const options = resolveInitOptions(given, machine);
  const advertise = config.advertise ?? (isEveryInterface(bind) ? ownAddress(address) : bind);
  const firstTimeoutMs = start === 0 ? 0 : AGAIN_MS;
  const joined = await join(options, {
    address,
    token,
    labels,
    job: undefined,
    bind,
    advertise,
    ports,
    firstTimeoutMs,
    headTimeoutMs,
  });
  const node = new DriverNode(options, joined);
  node.onBroken = (problem) => {
    // The supervisor starts another one.
    process.stderr.write(`${problem}\n`);
    process.exit(1);
  };
  return {
    ready: nodeReady(joined.facts),
    drain: async (ms) => {
      await joined.agent.leave(ms);
      await node.close(0);
    },
  };
}

function nodeReady({ nodeId, begunFd }: NodeFacts): NodeReady {
  return { nodeId, ...(begunFd !== undefined && { begunFd }) };
}

/** The host that others reach this machine at: the name of the head's, if that is here. */
function ownAddress(head: string): string {
  const { host } = parseAddress(head) ?? { host: LOOPBACK };
  return isLoopbackHost(host) ? LOOPBACK : host;
}
