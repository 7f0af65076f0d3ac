import { UnschedulableError } from '../../common/errors.ts';
import type { ResolvedTaskOptions } from '../../common/options.ts';

const UNIT = 10_000;

/** Options of `init` for resources that have one of their own. */
const options: ReadonlyMap<string, string> = new Map([
  ['CPU', 'numCpus'],
  ['GPU', 'numGpus'],
]);

/** What a node has in all, by name: CPU, GPU, memory and custom resources. */
export type Totals = Readonly<Record<string, number>>;

/** What a task asks for, as the core counts it. */
export interface Demand {
  readonly cpu: number;
  /** Pairs of index and amount. */
  readonly others: readonly number[];
}

type Asked = Pick<ResolvedTaskOptions, 'numCpus' | 'numGpus' | 'resources' | 'memory'>;

/** The resources of a node in the order in which the core counts them: CPU first. */
export class ResourceTable {
  readonly totals: Totals;
  readonly #names: readonly string[];

  constructor(totals: Totals) {
    this.totals = totals;
    this.#names = Object.keys(totals).filter((name) => name !== 'CPU');
  }

  /** The totals but CPU's, as the core counts them. */
  others(): number[] {
    return this.#names.map((name) => Math.round((this.totals[name] ?? 0) * UNIT));
  }

  cpu(): number {
    return Math.round((this.totals['CPU'] ?? 0) * UNIT);
  }

  /** The name of what the core calls `index`: 0 = CPU. */
  nameOf(index: number): string {
    return index === 0 ? 'CPU' : (this.#names[index - 1] ?? `resource ${index}`);
  }

  /** The same in ten-thousandths, as the core counts it. */
  amountsOf(free: readonly number[]): Record<string, number> {
    return Object.fromEntries(free.map((amount, i) => [this.nameOf(i), Math.max(0, amount)]));
  }

  /** Names what the core counts as free. */
  named(free: readonly number[]): Record<string, number> {
    const named: Record<string, number> = { CPU: Math.max(0, (free[0] ?? 0) / UNIT) };
    this.#names.forEach((name, i) => {
      named[name] = Math.max(0, (free[i + 1] ?? 0) / UNIT);
    });
    return named;
  }

  /**
   * What `asked` comes to.
   *
   * @throws {UnschedulableError} when no node has that much.
   */
  demand(asked: Asked, what: string): Demand {
    this.#check('CPU', asked.numCpus, what);
    const others: number[] = [];
    const amounts: Record<string, number> = { ...asked.resources, GPU: asked.numGpus, memory: asked.memory };
    for (const [name, amount] of Object.entries(amounts)) {
      if (amount === 0) continue;
      this.#check(name, amount, what);
      others.push(this.#names.indexOf(name), Math.round(amount * UNIT));
    }
    return { cpu: Math.round(asked.numCpus * UNIT), others };
  }

  /** What `asked` comes to by name, in ten-thousandths, whether or not this node has it. */
  amounts(asked: Asked): Record<string, number> {
    const amounts: Record<string, number> = {};
    for (const [name, amount] of this.#asked(asked)) if (amount > 0) amounts[name] = Math.round(amount * UNIT);
    return amounts;
  }

  /** Whether this node has less in all than `asked`. */
  lacks(asked: Asked): boolean {
    return this.#asked(asked).some(([name, amount]) => amount > (this.totals[name] ?? 0));
  }

  #asked({ numCpus, numGpus, memory, resources }: Asked): [string, number][] {
    return Object.entries({ ...resources, CPU: numCpus, GPU: numGpus, memory });
  }

  #check(name: string, amount: number, what: string): void {
    const total = this.totals[name] ?? 0;
    if (amount <= total) return;
    const has = total === 0 ? 'none has any' : `the largest has ${total}`;
    const option = options.get(name) ?? `resources: { ${JSON.stringify(name)}: … }`;
    const more = name === 'memory' ? '' : `, or start mobula with more: init({ ${option} })`;
    throw new UnschedulableError(`${what} asks for ${amount} ${name}, and of all nodes ${has}. Ask for less${more}.`);
  }
}
