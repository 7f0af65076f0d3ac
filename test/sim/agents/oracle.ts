import { status } from '../../../src/core/port/wire.ts';
import { failure } from '../../../src/core/values/failures.ts';
import { Violation } from '../scenario.ts';
import type { Told } from './member.ts';
import { fromBytes, type Spec, type Value } from './work.ts';

/** What is known of a task. */
interface Known {
  readonly driver: string;
  readonly spec: Spec;
  cancelled: boolean;
  began: number;
  /** Whether results of it stay where they were made: these may be made again, once for each time in `remade`. */
  stays: boolean;
  remade: number;
  /** Attempts of those runs that were not charged. */
  excused: number;
  settled: Settled | undefined;
}

type Settled = Extract<Told, { is: 'settled' }>;

/** What tasks may come to, judged by what attempts were seen to do. */
export class Oracle {
  readonly #known = new Map<string, Known>();
  /** Values by id, with the task that made them. */
  readonly #made = new Map<string, Value>();
  /** Tasks of drivers that live, and that are not settled. */
  readonly #open = new Map<string, Set<string>>();
  /** Tasks that were cancelled though nobody asked: as their driver was held for dead, and had not heard of it. */
  readonly #unasked = new Set<Known>();
  readonly #newest = new Map<string, Spec[]>();

  submitted(driver: string, spec: Spec): void {
    this.#known.set(spec.task, {
      driver,
      spec,
      cancelled: false,
      began: 0,
      stays: false,
      remade: 0,
      excused: 0,
      settled: undefined,
    });
    this.#open.set(driver, (this.#open.get(driver) ?? new Set()).add(spec.task));
    this.#newest.set(driver, [...(this.#newest.get(driver) ?? []), spec].slice(-20));
  }

  newest(driver: string, count: number): readonly Spec[] {
    return (this.#newest.get(driver) ?? []).slice(-count);
  }

  cancelled(task: string): void {
    this.#of(task).cancelled = true;
  }

  /** A life has ended: nobody hears of its tasks. */
  ended(driver: string): void {
    this.#open.delete(driver);
    for (const known of this.#unasked) if (known.driver === driver) this.#unasked.delete(known);
  }

  openOf(driver: string): number {
    return this.#open.get(driver)?.size ?? 0;
  }

  /** A task that is not settled. */
  open(): string | undefined {
    for (const tasks of this.#open.values()) for (const task of tasks) return task;
    return undefined;
  }

  told(life: string, told: Told): void {
    switch (told.is) {
      case 'began':
        this.#began(this.#of(told.work.task));
        break;
      case 'made':
        this.#made.set(told.value.id, told.value);
        break;
      case 'settled':
        this.#settled(life, told);
        break;
      case 'stays':
        this.#of(told.task).stays = true;
        break;
      case 'unread':
        this.#open.get(life)?.delete(told.task);
        break;
      case 'remade':
        this.#of(told.task).remade += 1;
        this.#of(told.task).excused += told.excused;
        break;
      default:
        break;
    }
  }

  #of(task: string): Known {
    const known = this.#known.get(task);
    if (known === undefined) throw new Violation(`${task} was never submitted`);
    return known;
  }

  #began(known: Known): void {
    known.began += 1;
  }

  #settled(life: string, told: Settled): void {
    const { spec, attempts, values } = told;
    const known = this.#of(spec.task);
    if (known.driver !== life) throw new Violation(`${spec.task} is settled by ${life}`);
    if (known.settled !== undefined) throw new Violation(`${spec.task} is settled twice`);
    known.settled = told;
    this.#open.get(life)?.delete(spec.task);
    if (attempts > spec.maxRetries + 1) throw new Violation(`${spec.task} had ${attempts} attempts`);
    if (told.status === status.value) this.#judgeValues(spec, values);
    else this.#judgeError(known, told);
  }

  /** The values of a task are those that one of its attempts has made, of exactly the values that its arguments have. */
  #judgeValues({ task, deps }: Spec, values: readonly Uint8Array[]): void {
    const read = values.map((bytes) => fromBytes<Value>(bytes));
    const runs = new Set(read.map(({ id }) => id.slice(0, id.lastIndexOf('.'))));
    // One of them may be of a later run, if another was lost.
    const { stays } = this.#of(task);
    if (runs.size !== 1 && !stays) throw new Violation(`the values of ${task} are of several attempts`);
    for (const [result, { id, from }] of read.entries()) {
      const made = this.#made.get(id);
      if (made?.task !== task || made.result !== result)
        throw new Violation(`${task} has ${id}, which it did not make`);
      for (const [i, [maker, of]] of deps.entries()) {
        if (!this.#isRight(maker, of, from[i] ?? ''))
          throw new Violation(`${task} was made from ${from[i]}, not of ${maker}`);
      }
    }
  }

  /** Whether a result may have been this value. What stays may have been made more than once. */
  #isRight(task: string, result: number, id: string): boolean {
    if (!this.#of(task).stays) return this.#valueOf(task, result) === id;
    const made = this.#made.get(id);
    return made?.task === task && made.result === result;
  }

  /** Whether what a task needs was made again, or the task itself: then any error may come of it. */
  #isRemade({ spec, remade }: Known): boolean {
    return remade > 0 || spec.deps.some(([task]) => this.#of(task).stays && this.#isRemade(this.#of(task)));
  }

  #valueOf(task: string, result: number): string {
    const { settled } = this.#of(task);
    if (settled?.status !== status.value) return `nothing: ${task} has no value`;
    return fromBytes<Value>(settled.values[result] as Uint8Array).id;
  }

  /** An error has a reason. */
  #judgeError(known: Known, { status: is, attempts, values }: Settled): void {
    const { spec, cancelled } = known;
    if (this.#isRemade(known)) return;
    const [bytes] = values;
    const isSame = (dep: Settled | undefined): boolean =>
      dep !== undefined && dep.status !== 0 && Buffer.compare(dep.values[0] as Uint8Array, bytes as Uint8Array) === 0;
    if (spec.deps.some(([task]) => isSame(this.#of(task).settled))) return;
    if (is === status.systemError && bytes?.[0] === failure.cancelled && !cancelled) this.#unasked.add(known);
    const used = attempts === spec.maxRetries + 1;
    const pinned = typeof spec.strategy === 'object' && !spec.strategy.soft;
    const thrown = spec.ends[Math.min(attempts, spec.ends.length) - 1];
    const may: Record<number, boolean> = {
      [failure.cancelled]: true,
      [failure.workerDied]: used && spec.ends.includes('loses its worker'),
      [failure.nodeDied]: used || pinned,
      // A fetch has failed: of an argument, or of the result of the last attempt.
      [failure.noRoom]: true,
      [failure.lost]: true,
      [failure.unschedulable]: pinned || spec.infeasibleAfterMs < 1000 || (spec.demand['CPU'] ?? 0) > 500_000,
    };
    const right =
      is === status.systemError ? may[bytes?.[0] ?? 0] : thrown === 'throws' || (used && thrown === 'asks again');
    if (right !== true) throw new Violation(`${spec.task} has error ${is} ${bytes?.[0]} after ${attempts} attempts`);
  }

  /** How many tasks there were; none has begun more often than it may. */
  finish(): number {
    for (const { spec } of this.#unasked) throw new Violation(`${spec.task} was cancelled, and nobody asked`);
    for (const { spec, began, settled, remade, excused } of this.#known.values()) {
      if (settled === undefined) continue;
      const most = (spec.maxRetries + 1) * (1 + remade) + settled.excused + excused;
      if (began > most) throw new Violation(`${spec.task} has begun ${began} times, ${most} at most`);
    }
    return this.#known.size;
  }
}
