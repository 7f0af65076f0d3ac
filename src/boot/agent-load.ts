import type { Agent } from '../agent/agent.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import type { Load } from '../wire/ports.ts';

const UNIT = 10_000;
/** A CPU whose work is done within so many milliseconds counts as free. */
const SOON_MS = 5;

/** Why the load is told: whatever it is; if it is another than the last time; if there is CPU for others now and was not, or the other way round. */
export type Reason = 'always' | 'change' | 'turn';

export interface Told {
  readonly load: Load;
  /** Whether tasks of other nodes may wait for the news. */
  readonly soon: boolean;
}

/** What this node has to do, for the global scheduler. */
export class AgentLoad {
  readonly #runtime: ThreadRuntime;
  readonly #agent: Agent;
  readonly #total: Readonly<Record<string, number>>;
  readonly #hosts: boolean;
  #last = '';
  /** Whether it said that there is CPU for others. */
  #takes = false;

  constructor(runtime: ThreadRuntime, agent: Agent) {
    this.#runtime = runtime;
    this.#agent = agent;
    const { totals } = runtime.facts;
    const entries = Object.entries(totals).map(([name, amount]) => [name, Math.round(amount * UNIT)] as const);
    // A node without CPUs hosts nothing.
    this.#hosts = (totals['CPU'] ?? 0) > 0;
    this.#total = this.#hosts ? Object.fromEntries(entries) : {};
  }

  /** The load, if there is a reason to tell it. */
  look(reason: Reason, draining: boolean): Told | undefined {
    const { addon, resources } = this.#runtime;
    const { out, running } = this.#agent.load;
    const [foreign = 0, queue = 0, backlog = 0, lentKinds = 0, ...rest] = addon.nodeLoad();
    const lent = pairs(rest.slice(0, 2 * lentKinds)).flatMap(([template, cpu]): [string, number][] => {
      const name = this.#agent.nameIfThere(template);
      return name === undefined ? [] : [[name, cpu]];
    });
    const [cpu = 0, ...others] = rest.slice(2 * lentKinds);
    // Of the tasks that wait, those that others sent were granted; the others need CPUs that nobody is to be granted.
    const own = Math.max(0, queue - Math.max(0, running - foreign));
    const needed = queue === 0 ? 0 : Math.min(own, Math.ceil(((backlog / 1e6) * own) / queue / SOON_MS));
    const free = this.#hosts ? resources.amountsOf([cpu - needed * UNIT, ...others]) : {};
    // Without tasks of its own nothing of the node is taken, whatever threads are just giving back.
    const available = addon.liveTasks() > out + running ? free : larger(free, this.#total);
    const takes = (available['CPU'] ?? 0) > 0;
    const soon = takes !== this.#takes;
    if (reason === 'turn' && !soon) return undefined;
    const meanMs = queue === 0 ? undefined : backlog / 1e6 / queue;
    const means = this.#agent.means();
    const load = {
      total: this.#total,
      available,
      lent,
      queue,
      meanMs: meanMs ?? means.at(-1)?.[1] ?? 0,
      means,
      bytesPerMs: 0,
      onlyJob: null,
      draining,
    };
    const text = JSON.stringify(load);
    if (reason === 'change' && text === this.#last) return undefined;
    this.#last = text;
    this.#takes = takes;
    return { load, soon };
  }
}

function pairs(flat: readonly number[]): [number, number][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] ?? 0, flat[2 * i + 1] ?? 0]);
}

function larger(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(b).map(([name, amount]) => [name, Math.max(amount, a[name] ?? 0)]));
}
