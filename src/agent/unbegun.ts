import type { CopyUser } from './data/copies.ts';
import type { Failed } from './data/ports.ts';
import type { TaskCopies } from './data/task-copies.ts';
import type { Objects } from './objects.ts';
import type { Outcomes } from './outcomes.ts';
import type { Run } from './run.ts';

/** What there is of a task's arguments: nothing is fetched for most. */
type MakeCopies = (ready: CopyUser) => TaskCopies;

interface Held {
  readonly run: Run;
  /** Gives it to the core; may fail it. */
  readonly begin: (copies: TaskCopies | undefined) => void;
  copies: TaskCopies | undefined;
  /** Objects that are arguments: what makes them may be settled, and let go, before this begins. */
  readonly made: readonly number[];
  /** What it waits for: its copies, and each of its makers that waits here itself. */
  left: number;
  /** Those that wait for this one. */
  readonly heirs: Held[];
}

/**
 * Tasks of other nodes that are not the core's yet: arguments of theirs are being fetched, or what makes an argument waits for that.
 */
export class UnbegunRuns {
  readonly #outcomes: Outcomes;
  readonly #objects: Objects;
  readonly #failure: (run: Run, failed: Failed) => Uint8Array;
  readonly #held = new Map<Run, Held>();

  /** `failure`: the error of a task whose arguments cannot come. */
  constructor(outcomes: Outcomes, objects: Objects, failure: (run: Run, failed: Failed) => Uint8Array) {
    this.#outcomes = outcomes;
    this.#objects = objects;
    this.#failure = failure;
  }

  has(run: Run): boolean {
    return this.#held.has(run);
  }

  /**
   * Gives a task to the core by `begin`, at once or when all that it needs is on its way to the core. `made`: objects that its makers
   * make, and that are its arguments.
   */
  add(run: Run, made: readonly number[], copies: MakeCopies | undefined, begin: Held['begin']): void {
    const held: Held = { run, begin, copies: undefined, made, left: 0, heirs: [] };
    this.#held.set(run, held);
    for (const object of made) this.#objects.share(object);
    for (const maker of run.makers) {
      const of = this.#held.get(maker);
      if (of === undefined) continue;
      of.heirs.push(held);
      held.left += 1;
    }
    held.copies = copies?.((failed, copy) => {
      if (failed === undefined) this.#arrived(held);
      else if (failed.kind === 'lost' && copy?.isPlaced === true)
        this.#end(run, () => this.#outcomes.argumentLost(run, copy.peer.node, copy));
      else this.fail(run, this.#failure(run, failed));
    });
    if (held.copies?.areHere === false) held.left += 1;
    if (held.left === 0) this.#begin(held);
  }

  #arrived(held: Held): void {
    held.left -= 1;
    if (held.left === 0 && this.#held.has(held.run)) this.#begin(held);
  }

  /** One behind the other, as a chain of tasks may be long. */
  #begin(first: Held): void {
    const ready = [first];
    for (const held of ready) {
      this.#held.delete(held.run);
      held.begin(held.copies);
      this.#letGo(held);
      if (held.run.failed) this.#unbegun(held.heirs);
      else ready.push(...held.heirs.filter((heir) => this.#held.has(heir.run) && --heir.left === 0));
    }
  }

  /** A task ends, if it waits here. */
  fail(run: Run, error: Uint8Array): void {
    this.#end(run, () => this.#outcomes.failed(run, error));
  }

  /** A task goes back to its submitter, if it waits here. */
  giveBack(run: Run): void {
    this.#end(run, () => this.#outcomes.unbegun(run));
  }

  #end(run: Run, answer: () => void): void {
    if (!this.#held.has(run)) return;
    const heirs = this.drop(run);
    answer();
    this.#unbegun(heirs);
  }

  /** What makes an argument of these has failed. */
  #unbegun(first: readonly Held[]): void {
    const all = [...first];
    for (const { run } of all) {
      if (!this.#held.has(run)) continue;
      all.push(...this.drop(run));
      this.#outcomes.unbegun(run);
    }
  }

  /** A task is not run. Gives those that wait for it. */
  drop(run: Run): readonly Held[] {
    const held = this.#held.get(run);
    if (held === undefined) return [];
    this.#held.delete(run);
    this.#letGo(held);
    return held.heirs;
  }

  #letGo({ copies, made }: Held): void {
    copies?.letGo();
    for (const object of made) this.#objects.release(object);
  }
}
