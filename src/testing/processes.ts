import { randomBytes } from 'node:crypto';
import type { NodeReady } from '../boot/supervisor/contract.ts';
import type { RunningHead, Starters } from '../boot/supervisor/group.ts';
import { superviseNode } from '../boot/supervisor/node-role.ts';
import type { Supervised } from '../boot/supervisor/supervised.ts';
import { formatAddress } from '../common/address.ts';
import { RuntimeClosedError } from '../common/errors.ts';
import type { Cluster, ClusterNode } from './cluster.ts';
import { Environment } from './environment.ts';
import { type ClusterNodeOptions, type ResolvedNode, resolveNode } from './options.ts';

const LOOPBACK = '127.0.0.1';
const DRAIN_MS = 25_000;

/** Starts a head, then `nodes`; ends all that came up if one does not. */
export async function startProcesses(nodes: readonly ResolvedNode[], starters: Starters): Promise<Cluster> {
  const cluster = new TestCluster(starters);
  try {
    await cluster.begin();
    await Promise.all(nodes.map((node) => cluster.start(node)));
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

class TestCluster implements Cluster {
  readonly token: string = randomBytes(32).toString('hex');
  readonly #starters: Starters;
  readonly #environment: Environment;
  #head: RunningHead | undefined;
  readonly #alive = new Map<Supervised<NodeReady>, ClusterNode | undefined>();
  #address = '';
  #stopped: Promise<void> | undefined;

  constructor(starters: Starters) {
    this.#starters = starters;
    this.#environment = new Environment('MOBULA_AUTH_TOKEN', this.token);
  }

  get address(): string {
    return this.#address;
  }

  get nodes(): readonly ClusterNode[] {
    return [...this.#alive.values()].filter((node) => node !== undefined);
  }

  async begin(): Promise<void> {
    this.#head = await this.#starters.head({
      token: this.token,
      bind: LOOPBACK,
      port: 0,
      // Files would be left when this process is killed.
      dataDir: null,
      nodeTimeoutMs: 5000,
      reconnectMs: 60_000,
    });
    this.#address = formatAddress({ host: LOOPBACK, port: this.#head.port });
    // A test that never calls stop() still ends by itself, and its cluster with it.
    this.#head.hold(false);
  }

  addNode(options: ClusterNodeOptions = {}): Promise<ClusterNode> {
    return this.start(resolveNode(options));
  }

  async start(node: ResolvedNode): Promise<ClusterNode> {
    if (this.#stopped !== undefined)
      throw new RuntimeClosedError('The cluster was stopped. Start another one with startCluster().');
    const plan = { ...node, token: this.token, address: this.#address, root: process.cwd(), headTimeoutMs: 600_000 };
    const process_ = superviseNode(plan, { ...this.#starters.node, replace: false }, (exit) => {
      if (this.#stopped === undefined) this.#starters.tell(plan, exit);
    });
    this.#alive.set(process_, undefined);
    void process_.over.then(() => this.#alive.delete(process_));
    const { nodeId } = await process_.up;
    const handle: ClusterNode = {
      nodeId,
      pid: process_.pid ?? 0,
      kill: (signal = 'SIGKILL') => process_.kill(signal),
      stop: async () => void (await process_.stop(DRAIN_MS)),
    };
    if (this.#alive.has(process_)) this.#alive.set(process_, handle);
    process_.hold(false);
    return handle;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    try {
      await Promise.all(
        [...this.#alive.keys()].map((one) => {
          // The second call kills.
          void one.stop(0);
          return one.stop(0);
        }),
      );
      this.#head?.hold(true);
      await this.#head?.stop();
    } finally {
      this.#environment.restore();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
