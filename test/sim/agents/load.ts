import type { Self } from '../program.ts';
import type { Chance } from '../random.ts';
import type { Verdict } from '../scenario.ts';
import type { World } from '../world.ts';
import { nodeIdOf } from './io.ts';
import type { Told } from './member.ts';
import { Oracle } from './oracle.ts';
import { remains } from './remains.ts';
import type { Ends, Spec } from './work.ts';

/** The mean of the milliseconds between two bursts of one driver. Drivers submit as long as things fail. */
const pace = 60;
const mostOpen = 60;
const UNIT = 10_000;

/** The programs of the drivers, and the checks of a seed. */
export class Load {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #oracle = new Oracle();
  readonly #drivers = new Map<string, Self>();
  #tasks = 0;

  constructor(world: World) {
    this.#world = world;
    this.#chance = world.chance('load');
  }

  started(_self: Self): void {
    // A driver's program begins once its job has its number.
  }

  ended(self: Self): void {
    this.#drivers.delete(self.id);
    this.#oracle.ended(self.id);
  }

  told(self: Self, what: unknown): void {
    const told = what as Told;
    if (told.is === 'ready') {
      this.#drivers.set(self.id, self);
      this.#submitLater(self);
    } else this.#oracle.told(self.id, told);
  }

  check(): void {
    // Each agent looks at itself: `audit.ts`.
  }

  waitsFor(): string | undefined {
    return this.#oracle.open() ?? remains(this.#world);
  }

  finish(): Verdict {
    return { checked: this.#oracle.finish(), notChecked: 0 };
  }

  #submitLater(driver: Self): void {
    this.#world.after(-Math.log(1 - this.#chance.next()) * pace, () => {
      if (!this.#drivers.has(driver.id) || this.#world.network.seam.calm) return;
      const room = mostOpen - this.#oracle.openOf(driver.id);
      for (let count = Math.min(room, this.#chance.pick([1, 2, 4, 12])); count > 0; count--) this.#submit(driver);
      this.#submitLater(driver);
    });
  }

  #submit(driver: Self): void {
    const spec = this.#spec(driver);
    this.#oracle.submitted(driver.id, spec);
    this.#world.ask(driver.host, { submit: spec });
    if (spec.ends.includes('endless')) this.#cancelLater(driver, spec, true);
    else if (this.#chance.hit(0.1)) this.#cancelLater(driver, spec, this.#chance.hit(0.5));
  }

  #cancelLater(driver: Self, { task }: Spec, force: boolean): void {
    this.#world.after(this.#chance.pick([1, 20, 300]) * this.#chance.next(), () => {
      if (!this.#drivers.has(driver.id)) return;
      this.#oracle.cancelled(task);
      this.#world.ask(driver.host, { cancel: task, force });
    });
  }

  #spec(driver: Self): Spec {
    const chance = this.#chance;
    return {
      task: `${driver.id} t${++this.#tasks}`,
      ms: chance.pick([1, 5, 30]) * chance.between(0.2, 1),
      ends: this.#ends(),
      names: chance.hit(0.05) ? 100 + chance.below(30) : 0,
      template: 1 + chance.below(12),
      results: chance.hit(0.1) ? 2 : 1,
      deps: this.#deps(driver),
      maxRetries: chance.below(4),
      demand: { CPU: chance.hit(0.02) ? 100 * UNIT : chance.pick([1, 1, 1, 2]) * UNIT },
      strategy: this.#strategy(),
      infeasibleAfterMs: chance.pick([100, 5000]),
    };
  }

  #ends(): readonly Ends[] {
    if (this.#chance.hit(0.03)) return ['endless'];
    const one = (): Ends => this.#chance.pick(['value', 'asks again', 'loses its worker', 'throws']);
    return this.#chance.hit(0.85) ? ['value'] : [one(), one(), 'value'];
  }

  /** Mostly the newest, so that chains grow, whose makers are out. */
  #deps(driver: Self): Spec['deps'] {
    if (this.#chance.hit(0.5)) return [];
    const known = this.#oracle.newest(driver.id, 8);
    if (known.length === 0) return [];
    return Array.from({ length: this.#chance.pick([1, 1, 2]) }, () => {
      const { task, results } = this.#chance.pick(known);
      return [task, this.#chance.below(results)] as const;
    });
  }

  #strategy(): Spec['strategy'] {
    if (this.#chance.hit(0.85)) return 'default';
    const alive = this.#world.process(`node${1 + this.#chance.below(5)}`);
    if (alive === undefined || this.#chance.hit(0.3)) return 'spread';
    return { nodeId: nodeIdOf(alive.self), soft: this.#chance.hit(0.5) };
  }
}
