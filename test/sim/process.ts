import type { Env } from '../../src/common/step.ts';
import type { Input, Life, Output, Self } from './program.ts';
import type { Chance } from './random.ts';
import { showInput } from './trace.ts';
import type { World } from './world.ts';

/** One life of a host's program: its clock, its timers, its pauses. */
export class Process {
  readonly self: Self;
  readonly life: Life;
  readonly #world: World;
  readonly #perform: (process: Process, output: Output) => void;
  /** Clocks of two processes agree neither in their start nor quite in their rate. */
  readonly #clock: { readonly offset: number; readonly rate: number };
  readonly #env: { now: number; random: () => number };
  readonly #timers = new Map<string, number>();
  #timersStarted = 0;
  readonly #lateness: Chance;
  readonly #oftenLate: number;
  #stalled = 0;
  readonly #inbox: (() => void)[] = [];
  #afterNext: (() => void)[] = [];
  alive = true;

  constructor(world: World, self: Self, life: Life, perform: (process: Process, output: Output) => void) {
    this.#world = world;
    this.self = self;
    this.life = life;
    this.#perform = perform;
    const chance = world.chance(`process ${self.id}`);
    this.#clock = { offset: chance.between(0, 1e6), rate: chance.between(0.97, 1.03) };
    this.#lateness = world.chance(`timers ${self.id}`);
    this.#oftenLate = this.#lateness.pick([0.01, 0.01, 0.2]);
    this.#env = { now: 0, random: () => chance.next() };
  }

  /** Hands in `input`: at once, or when a pause ends. `stillTrue`: asked at that moment. */
  deliver(input: Input, stillTrue: () => boolean = () => true, handled?: () => void): void {
    const hand = (): void => {
      if (!this.alive || !stillTrue()) return;
      this.#handle(input);
      const after = this.#afterNext;
      this.#afterNext = [];
      handled?.();
      for (const run of after) run();
    };
    if (this.#stalled > 0 || this.#inbox.length > 0) this.#inbox.push(hand);
    else hand();
  }

  /** Runs `run` once the next input has been handled. */
  afterNext(run: () => void): void {
    this.#afterNext.push(run);
  }

  /** A pause as by a collection of garbage: the clock goes on, nothing is handled. */
  stall(milliseconds: number): void {
    this.#stalled++;
    this.#world.after(milliseconds, () => {
      if (--this.#stalled > 0) return;
      // The first stays in until it is handled, so that what its handling hands in comes after the others.
      for (let [first] = this.#inbox; first !== undefined; [first] = this.#inbox) {
        first();
        this.#inbox.shift();
      }
    });
  }

  startTimer(timer: string, after: number): void {
    const started = ++this.#timersStarted;
    this.#timers.set(timer, started);
    const stillTrue = (): boolean => this.#timers.get(timer) === started;
    const fired = (): void => {
      this.deliver({ on: 'timer', timer }, () => stillTrue() && this.#timers.delete(timer));
    };
    // No timer is on time.
    const late = this.#lateness.hit(this.#oftenLate) ? this.#lateness.between(1, 30) : this.#lateness.next();
    this.#world.after(after / this.#clock.rate + late, fired);
  }

  cancelTimer(timer: string): void {
    this.#timers.delete(timer);
  }

  #handle(input: Input): void {
    const world = this.#world;
    world.trace.add(world.time, this.self.id, `> ${input.on}`, () => showInput(input));
    this.#env.now = this.#clock.offset + (world.time / 1000) * this.#clock.rate;
    const env: Env = this.#env;
    for (const output of this.life.step(input, env)) {
      // What follows `exit` does not happen.
      if (!this.alive) break;
      this.#perform(this, output);
    }
    world.steps++;
    world.scenario.check();
  }
}
