import type { Agent } from '../agent/agent.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import type { Load } from '../wire/ports.ts';

const UNIT = 10_000;

/** What this node has to do, for the global scheduler. */
export class AgentLoad {
  readonly #runtime: ThreadRuntime;
  readonly #agent: Agent;
  readonly #total: Readonly<Record<string, number>>;
  #last = '';

  constructor(runtime: ThreadRuntime, agent: Agent) {
    this.#runtime = runtime;
    this.#agent = agent;
    const { totals } = runtime.facts;
    const entries = Object.entries(totals).map(([name, amount]) => [name, Math.round(amount * UNIT)] as const);
    // A node without CPUs hosts nothing.
    this.#total = (totals['CPU'] ?? 0) > 0 ? Object.fromEntries(entries) : {};
  }

  /** The load, if it is another than the last time, or `always`. */
  look(always: boolean, draining: boolean): Load | undefined {
    const { addon, resources, facts } = this.#runtime;
    const live = addon.liveTasks();
    const { out, running } = this.#agent.load;
    // Tasks of this node's own that run here, or wait for a worker: what they hold nobody was granted.
    const own = live - out - running;
    const free = resources.amountsOf(addon.freeResources());
    const available = own > 0 ? free : this.#total;
    const queue = Math.max(0, Math.ceil(own + running - (facts.totals['CPU'] ?? 0)));
    const means = this.#agent.means();
    const load = {
      total: this.#total,
      available,
      queue,
      meanMs: means.at(-1)?.[1] ?? 0,
      means,
      bytesPerMs: 0,
      onlyJob: null,
      draining,
    };
    const text = JSON.stringify(load);
    if (!always && text === this.#last) return undefined;
    this.#last = text;
    return load;
  }
}
