import type { NodeState } from './model.ts';
import type { Amounts } from './ports.ts';

/** What a task asks for: resources by number, and how much of each. Equal ones are one object. */
export interface Demand {
  readonly resources: readonly number[];
  readonly amounts: readonly number[];
  /** The nodes whose total covers it and that take tasks, as of `version` of the nodes (`state.ts`). */
  able: NodeState[];
  version: number;
}

/** Resources and demands, each known by one number or object in this scheduler. */
export class ResourceNames {
  readonly #numbers = new Map<string, number>();
  readonly #demands = new Map<string, Demand>();

  numberOf(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(name, number);
    }
    return number;
  }

  demand(asked: Amounts): Demand {
    let key = '';
    for (const name in asked) key += `${name}\0${asked[name]}\0`;
    let demand = this.#demands.get(key);
    if (demand === undefined) {
      const wanted = Object.entries(asked).filter(([, amount]) => amount > 0);
      demand = {
        resources: wanted.map(([name]) => this.numberOf(name)),
        amounts: wanted.map(([, amount]) => amount),
        able: [],
        version: -1,
      };
      // What programs ask for is a handful; a program that makes demands up is not remembered for ever.
      if (this.#demands.size >= 10_000) this.#demands.clear();
      this.#demands.set(key, demand);
    }
    return demand;
  }

  /** Amounts by number. */
  dense(amounts: Amounts): number[] {
    const dense: number[] = [];
    for (const name in amounts) {
      const number = this.numberOf(name);
      while (dense.length <= number) dense.push(0);
      dense[number] = amounts[name] ?? 0;
    }
    return dense;
  }
}

/** Whether `has` covers one of `demand`. */
export function covers(has: readonly number[], demand: Demand): boolean {
  for (let i = 0; i < demand.resources.length; i++) {
    if ((has[demand.resources[i] ?? 0] ?? 0) < (demand.amounts[i] ?? 0)) return false;
  }
  return true;
}
