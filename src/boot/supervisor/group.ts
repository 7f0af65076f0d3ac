import { formatAddress, isEveryInterface } from '../../common/address.ts';
import type { Failure, HeadConfig, HeadReady, NodeReady } from './contract.ts';
import { type NodePlan, type Setting, type SupervisedHead, superviseHead, superviseNode } from './roles.ts';
import type { Supervised } from './supervised.ts';

/** What one `mobula start` starts: a head, a node, or a head and a node beside it. */
export interface Plan {
  readonly head?: HeadConfig;
  /** Without an address: that of the head. */
  readonly node?: Omit<NodePlan, 'address'> & { readonly address?: string };
  /** How long what ends may take for what is under way. Milliseconds. */
  readonly drainMs: number;
}

/** The files of the package that are run. */
export interface Entries {
  readonly head: URL;
  readonly node: URL;
}

/** What came up. */
export interface Up {
  /** Of the head: host and port. */
  readonly address: string;
  readonly head?: HeadReady;
  readonly node?: NodeReady;
}

/** A head and a node, as far as there are any. Each is replaced alone; what gives up takes the other along. */
export class Group {
  readonly #plan: Plan;
  readonly #entries: Entries;
  readonly #setting: Omit<Setting, 'entry'>;
  #head: SupervisedHead | undefined;
  #node: Supervised<NodeReady> | undefined;
  #stopping = false;
  #failure: Failure | undefined;
  readonly #ended: Promise<Failure | undefined>;
  #end: (failure: Failure | undefined) => void = () => {};
  readonly up: Promise<Up>;

  constructor(plan: Plan, entries: Entries, setting: Omit<Setting, 'entry'>) {
    this.#plan = plan;
    this.#entries = entries;
    this.#setting = setting;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.up = this.#start();
    this.up.catch(() => {});
  }

  /** The end of all: with what went wrong, or, after `stop`, with nothing. */
  get over(): Promise<Failure | undefined> {
    return this.#ended;
  }

  async #start(): Promise<Up> {
    const { head: headConfig, node: nodePlan } = this.#plan;
    let head: HeadReady | undefined;
    if (headConfig !== undefined) {
      this.#head = superviseHead(headConfig, { ...this.#setting, entry: this.#entries.head });
      void this.#head.head.over.then((failure) => this.#lost(failure));
      head = await this.#head.head.up;
    }
    const address = head?.address ?? nodePlan?.address ?? '';
    if (nodePlan === undefined || this.#stopping) return { address, ...(head && { head }) };
    const setting = { ...this.#setting, entry: this.#entries.node };
    const near = headConfig === undefined ? address : nearAddress(headConfig.bind, head?.port ?? 0);
    this.#node = superviseNode({ ...nodePlan, address: near }, setting, (exit) => this.#head?.tell(exit));
    void this.#node.over.then((failure) => this.#lost(failure));
    return { address, ...(head && { head }), node: await this.#node.up };
  }

  /** One of the two is not replaced any more. */
  #lost(failure: Failure | undefined): void {
    this.#failure ??= failure;
    if (!this.#stopping) void this.stop();
  }

  /** Ends the node, then the head. The second call kills both. */
  async stop(): Promise<Failure | undefined> {
    const again = this.#stopping;
    this.#stopping = true;
    const { drainMs } = this.#plan;
    if (again) {
      void this.#node?.stop(drainMs);
      void this.#head?.head.stop(drainMs);
      return this.#ended;
    }
    await this.#node?.stop(drainMs);
    await this.#head?.head.stop(drainMs);
    this.#end(this.#failure);
    return this.#failure;
  }
}

/** Where a head that listens at `bind` is reached from its own machine, whatever it is called by others. */
function nearAddress(bind: string, port: number): string {
  const loopback = bind === '::' ? '::1' : '127.0.0.1';
  return formatAddress({ host: isEveryInterface(bind) ? loopback : bind, port });
}
