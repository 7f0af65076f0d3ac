import { formatAddress, isEveryInterface } from '../../common/address.ts';
import { failureOf } from './child.ts';
import type { Failure, NodeExit, NodeReady } from './contract.ts';
import { type NodePlan, superviseNode } from './node-role.ts';
import type { Setting, Supervised } from './supervised.ts';

/** A head that is to be started. Times are in milliseconds. */
export interface HeadPlan {
  readonly token: string;
  /** The network interface that it listens at: a host name or an IP address. */
  readonly bind: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** The host that others reach it at. Default: `bind`. */
  readonly advertise?: string;
  /** Where its log is: an absolute path. null: there is no log. */
  readonly dataDir: string | null;
  /** A node that is silent for so long is dead. */
  readonly nodeTimeoutMs: number;
  /** For how long nodes may come back after the head was started again, and try to reach one another. Milliseconds. */
  readonly reconnectMs: number;
}

/** A head: its own processes, which it keeps running by itself. */
export interface RunningHead {
  readonly port: number;
  /** Its end: with the error, or after `stop` with nothing. */
  readonly ended: Promise<Error | undefined>;
  stop(): Promise<void>;
  /** Whether this process stays alive for the head. Default: it does. */
  hold(alive: boolean): void;
}

/** What one `mobula start` starts: a head, a node, or a head and a node beside it. */
export interface Plan {
  readonly head?: HeadPlan;
  /** Without an address: that of the head. */
  readonly node?: Omit<NodePlan, 'address'> & { readonly address?: string };
  /** How long a node that ends may take for what is under way. Milliseconds. */
  readonly drainMs: number;
}

/** How processes are started. */
export interface Starters {
  /** Throws a MobulaError when it cannot. */
  head(plan: HeadPlan): Promise<RunningHead>;
  readonly node: Setting;
  /** Tells the head that a node is dead, when it can be reached. It would find out by silence. */
  tell(head: Pick<NodePlan, 'address' | 'token' | 'headTimeoutMs'>, exit: NodeExit): void;
}

/** What came up. */
export interface Up {
  /** Of the head: host and port, for others. */
  readonly address: string;
  /** Of a head that was started here. */
  readonly port?: number;
  readonly nodeId?: string;
}

/** A head and a node, as far as there are any. What gives up takes the other along. */
export class Group {
  readonly #plan: Plan;
  readonly #starters: Starters;
  readonly #died: (exit: NodeExit) => void;
  #head: RunningHead | undefined;
  #node: Supervised<NodeReady> | undefined;
  #stopping = false;
  #failure: Failure | undefined;
  #end: (failure: Failure | undefined) => void = () => {};
  /** All is up. Rejects with what kept it from that. */
  readonly up: Promise<Up>;
  /** The end of all: with what went wrong, or, after `stop`, with nothing. */
  readonly over: Promise<Failure | undefined>;

  /** `died`: a node that was up has died, and `stop` was not called. */
  constructor(plan: Plan, starters: Starters, died: (exit: NodeExit) => void) {
    this.#plan = plan;
    this.#starters = starters;
    this.#died = died;
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.up = this.#start();
    this.up.catch((error: unknown) => this.#lost(failureOf(error)));
  }

  async #start(): Promise<Up> {
    const { head: headPlan, node: nodePlan } = this.#plan;
    let address = nodePlan?.address ?? '';
    let near = address;
    if (headPlan !== undefined) {
      this.#head = await this.#starters.head(headPlan);
      const { port, ended } = this.#head;
      void ended.then((error) => this.#lost(error && failureOf(error)));
      address = formatAddress({ host: headPlan.advertise ?? headPlan.bind, port });
      near = nearAddress(headPlan.bind, port);
    }
    const up = { address, ...(this.#head && { port: this.#head.port }) };
    if (nodePlan === undefined || this.#stopping) return up;
    const told = { ...nodePlan, address: near };
    this.#node = superviseNode(told, this.#starters.node, (exit) => {
      // One that drained in time has said BYE.
      if (!this.#stopping || exit.code !== 0) this.#starters.tell(told, exit);
      if (!this.#stopping) this.#died(exit);
    });
    void this.#node.over.then((failure) => this.#lost(failure));
    return { ...up, ...(await this.#node.up) };
  }

  /** One of the two is not replaced any more. */
  #lost(failure: Failure | undefined): void {
    if (!this.#stopping) {
      this.#failure = failure;
      void this.stop();
    }
  }

  /** Drains the node, then ends the head. The second call kills the node. */
  async stop(): Promise<Failure | undefined> {
    if (this.#stopping) {
      void this.#node?.stop(0);
      return this.over;
    }
    this.#stopping = true;
    await this.#node?.stop(this.#plan.drainMs);
    // A head that was being started.
    await this.up.catch(() => {});
    await this.#head?.stop();
    this.#end(this.#failure);
    return this.over;
  }
}

/** Where a head that listens at `bind` is reached from its own machine, whatever it is called by others. */
function nearAddress(bind: string, port: number): string {
  const loopback = bind === '::' ? '::1' : '127.0.0.1';
  return formatAddress({ host: isEveryInterface(bind) ? loopback : bind, port });
}
