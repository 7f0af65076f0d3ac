import type { Demand } from './model.ts';
import type { Amounts } from './ports.ts';

/** The number of the resource CPU. */
export const CPU = 0;

const MOST_DEMANDS = 10_000;

/** Resources and demands, each known by one number or object in this scheduler. */
export class ResourceNames {
  readonly #numbers = new Map<string, number>([['CPU', CPU]]);
  /** By a sum of what is asked for. */
  readonly #demands = new Map<number, Demand[]>();
  #known = 0;

  numberOf(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(name, number);
    }
    return number;
  }

  demand(asked: Amounts): Demand {
    let sum = 0;
    for (const name in asked) sum += (asked[name] ?? 0) * (2 * this.numberOf(name) + 1);
    const alike = this.#demands.get(sum);
    for (const demand of alike ?? []) if (this.#is(demand, asked)) return demand;
    const wanted = Object.entries(asked).filter(([, amount]) => amount > 0);
    const demand: Demand = {
      resources: wanted.map(([name]) => this.numberOf(name)),
      amounts: wanted.map(([, amount]) => amount),
      able: [],
      version: -1,
    };
    if (alike === undefined) this.#demands.set(sum, [demand]);
    else alike.push(demand);
    // What programs ask for is a handful; a program that makes demands up is not remembered for ever.
    if (++this.#known > MOST_DEMANDS) {
      this.#demands.clear();
      this.#known = 0;
    }
    return demand;
  }

  #is({ resources, amounts }: Demand, asked: Amounts): boolean {
    let left = resources.length;
    for (const name in asked) {
      const amount = asked[name] ?? 0;
      if (amount === 0) continue;
      if (amounts[resources.indexOf(this.numberOf(name))] !== amount) return false;
      left -= 1;
    }
    return left === 0;
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
