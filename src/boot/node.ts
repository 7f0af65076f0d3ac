import { resolveInitOptions } from '../common/init-options.ts';
import type { NodeFacts } from '../core/node-facts.ts';
import { addon } from '../native/binding.ts';
import { join } from './join.ts';
import { startDriver } from './start-driver.ts';
import type { Served } from './supervisor/child.ts';
import type { NodeConfig, NodeReady } from './supervisor/contract.ts';

export { joinAsDriver } from './join.ts';

const LOOPBACK = '127.0.0.1';

/** Starts a node of a cluster: a process without a program, whose workers run tasks of others. */
export async function startNode(config: NodeConfig): Promise<Served<NodeReady>> {
  const { root, address, token, bind = LOOPBACK, ports, headTimeoutMs, start, labels = {} } = config;
  // Code that stands in no file imports from the working directory.
  process.chdir(root);
  const machine = { cpus: addon.usableCpus(), memory: addon.memoryLimit() };
  const { numCpus = machine.cpus, numGpus, resources, objectStoreMemory } = config;
  const asked = { numCpus, numGpus, resources, objectStoreMemory, labels, address };
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const options = resolveInitOptions(given, machine);
  const firstTimeoutMs = start === 0 ? 0 : headTimeoutMs;
  const joined = await join(options, {
    root,
    address,
    token,
    labels,
    job: undefined,
    bind,
    advertise: config.advertise ?? bind,
    ports,
    firstTimeoutMs,
    headTimeoutMs,
  });
  const node = startDriver(options, joined);
  node.onBroken = (problem) => {
    // The supervisor starts another one.
    process.stderr.write(`${problem}\n`);
    process.exit(1);
  };
  return {
    ready: ready(joined.facts),
    drain: async (ms) => {
      await joined.agent.leave(ms);
      await node.close(0);
    },
  };
}

function ready({ nodeId, begunFd }: NodeFacts): NodeReady {
  return { nodeId, ...(begunFd !== undefined && { begunFd }) };
}
