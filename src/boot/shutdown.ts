import { Timer } from '../common/timers.ts';
import { setCurrentRuntime } from '../core/current.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import type { AgentHost } from './agent-host.ts';
import { Draining } from './draining.ts';
import type { LocalNode } from './local-node.ts';

/** The end of a driver and its node: the work in flight ends, then the threads, then the core. */
export class Shutdown {
  readonly #runtime: ThreadRuntime;
  readonly #node: LocalNode;
  readonly #draining: Draining;
  readonly #agent: AgentHost | undefined;
  #closing: Promise<void> | undefined;
  /** Why it ends, if nobody asked for it; else empty. */
  problem = '';

  /** `agent`: in a cluster, which the node leaves. */
  constructor(runtime: ThreadRuntime, node: LocalNode, agent: AgentHost | undefined) {
    this.#runtime = runtime;
    this.#agent = agent;
    this.#node = node;
    this.#draining = new Draining(runtime);
  }

  get hasBegun(): boolean {
    return this.#closing !== undefined;
  }

  /** News were read, perhaps the last there are: nothing in flight may be waiting for anything but a reader. */
  readonly look = (): void => {
    if (this.hasBegun) this.#draining.look();
  };

  /** Nothing is in flight. */
  idle(): void {
    this.#draining.finish();
  }

  /**
   * Drains, for at most `timeoutMs`, then stops everything. Idempotent: a later call can only bring the end nearer.
   * A promise of it keeps the program alive.
   */
  begin(timeoutMs: number | undefined): Promise<void> {
    if (timeoutMs !== undefined) {
      this.#draining.limit(timeoutMs);
      // Once more: what comes after the work in flight is to be over by then too.
      if (this.#closing !== undefined) this.#hurry(this.#closing, timeoutMs);
    }
    this.#closing ??= this.#run();
    return this.#closing;
  }

  #hurry(closing: Promise<void>, timeoutMs: number): void {
    const timer = new Timer(timeoutMs, () => this.#node.hurry());
    const done = (): void => timer.cancel();
    closing.then(done, done);
  }

  async #run(): Promise<void> {
    const { keepAlive, port, inbox, addon } = this.#runtime;
    keepAlive.hold(this);
    port.flush();
    this.#draining.begin();
    await this.#draining.over;
    addon.failAll(this.problem);
    // The failures above reach their waiters.
    port.drain(inbox);
    await this.#agent?.leave();
    await this.#node.stopWorkers();
    keepAlive.release(this);
    this.#runtime.close(this.problem);
    setCurrentRuntime(undefined);
    this.#node.stopCore();
  }
}
