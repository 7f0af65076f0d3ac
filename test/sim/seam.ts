import { applies, type Coverage, type Fault, faults } from './coverage.ts';
import type { MessageTable } from './messages.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

/** The faults that can strike a message, generated from the table. A fault is armed, and strikes the next message of its kind. */
export class Seam {
  readonly #world: World;
  readonly #table: MessageTable;
  readonly #coverage: Coverage;
  readonly #armed = new Map<string, Fault[]>();
  calm = false;

  constructor(world: World, table: MessageTable, coverage: Coverage) {
    this.#world = world;
    this.#table = table;
    this.#coverage = coverage;
  }

  /**
   * `count` faults for a seed, each armed at some time before `until` (ms). Over the seeds they are spread evenly over the table; one
   * seed has the faults of a few kinds of message, as what breaks is often two faults of the same kind.
   */
  plan(count: number, until: number): void {
    const chance = this.#world.chance('seam');
    const cells = Object.entries(this.#table).flatMap(([type, row]) =>
      faults.filter((fault) => applies(fault, row)).map((fault) => ({ type, fault })),
    );
    const types = chance.shuffled(Object.keys(this.#table)).slice(0, 1 + chance.below(4));
    const chosen = cells.filter(({ type }) => types.includes(type));
    for (let i = 0; i < count; i++) {
      const { type, fault } = chance.pick(chosen);
      const at = chance.hit(0.2) ? 0 : chance.between(0, until);
      this.#world.after(at, () => this.arm(type, fault));
    }
  }

  /** The next message of this type gets this fault, or the one after it, if another fault was armed before. */
  arm(type: string, fault: Fault): void {
    this.#armed.set(type, [...(this.#armed.get(type) ?? []), fault]);
  }

  /** The fault that strikes a message sent now. */
  take(type: string): Fault | undefined {
    return this.calm ? undefined : this.#armed.get(type)?.shift();
  }

  /** Whether `type` answers `request`. */
  answers(request: string, type: string): boolean {
    return this.#table[request]?.answers?.includes(type) === true;
  }

  /** It has happened. */
  count(fault: Fault, type: string, where: Process): void {
    this.#coverage.fault(fault, type);
    this.#world.trace.add(this.#world.time, where.self.id, 'FAULT', () => `${type}: ${fault}`);
  }
}
