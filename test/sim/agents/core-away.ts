import type { Placing } from '../../../src/agent/data/named.ts';
import { Violation } from '../scenario.ts';
import { AWAY, isAway, type Ref, type Task } from './core-task.ts';
import type { Outcome } from './work.ts';

/** Values are small here: the scheduler is told of so many times their bytes. */
const LARGER = 100_000;

/** What is known of the value of a ref. */
export type Found =
  | { readonly is: 'here'; readonly outcome: Outcome }
  | { readonly is: 'pending'; readonly ref: Ref }
  | { readonly is: 'at'; readonly place: number };

/** What the agent hears of places. */
export type PlaceNews =
  | { readonly kind: 'need'; readonly place: number; readonly object: number }
  | { readonly kind: 'drop'; readonly place: number };

/** What places need of the core. */
export interface AwayCore {
  /** Submits a task once more, with these arguments. */
  again(task: Task, deps: readonly Ref[]): Task;
  settle(ref: Ref, outcome: Outcome): void;
}

/** Values that are away: a model of `away.rs`, `again.rs` and `lineage.rs`. Specs are kept for good. */
export class AwayRefs {
  readonly #core: AwayCore;
  readonly #places = new Map<number, Ref>();
  readonly #placings = new Map<number, Placing>();
  /** Refs that the agent settles, by the number that it knows, and whose next each is. */
  readonly #owed = new Map<number, { readonly next: Ref; readonly of: Ref }>();
  #news: PlaceNews[] = [];
  #last = 0;

  constructor(core: AwayCore) {
    this.#core = core;
  }

  get size(): number {
    return this.#places.size + this.#owed.size;
  }

  news(): readonly PlaceNews[] {
    const news = this.#news;
    this.#news = [];
    return news;
  }

  stays(ref: Ref, placing: Placing): Outcome {
    const { place } = placing;
    ref.place = place;
    this.#places.set(place, ref);
    this.#placings.set(place, placing);
    return { status: AWAY, bytes: new Uint8Array() };
  }

  /** The node's number that has most of these arguments that are at places, and bytes, as if they were large. */
  nearest(deps: readonly Ref[]): { readonly node: number; readonly bytes: number } | undefined {
    const bytes = new Map<number, number>();
    for (const dep of deps) {
      const found = this.find(dep, true);
      const placing = found.is === 'at' ? this.#placings.get(found.place) : undefined;
      if (placing !== undefined) bytes.set(placing.node, (bytes.get(placing.node) ?? 0) + placing.bytes * LARGER);
    }
    const [most] = [...bytes].sort(([, a], [, b]) => b - a);
    return most && { node: most[0], bytes: most[1] };
  }

  /** `there`: the value may be at its place; else it is brought here from there. */
  find(ref: Ref, there: boolean): Found {
    for (let at = ref; ; ) {
      if (at.outcome === undefined) return { is: 'pending', ref: at };
      if (!isAway(at)) return { is: 'here', outcome: at.outcome };
      if (there && at.place !== undefined) return { is: 'at', place: at.place };
      at = at.next ?? this.#next(at);
    }
  }

  #next(ref: Ref): Ref {
    if (ref.place === undefined) {
      const again = this.#again(ref);
      // All that is lost of that task has a next now.
      if (ref.next === undefined) ref.next = again;
      else again.holders -= 1;
      return ref.next;
    }
    const next = fresh(ref);
    ref.next = next;
    ref.holders += 1;
    this.#owed.set(++this.#last, { next, of: ref });
    this.#news.push({ kind: 'need', place: ref.place, object: this.#last });
    return next;
  }

  /** What makes a value again, and what that needs. */
  #again({ of, result }: Ref): Ref {
    const ref = this.#run(of).refs[result] as Ref;
    ref.holders += 1;
    return ref;
  }

  #run(task: Task): Task {
    const known = task.again;
    if (known?.refs.every(isUsable) === true) return known;
    const deps = task.deps.map((dep) => (isUsable(dep) ? dep : (this.#run(dep.of).refs[dep.result] as Ref)));
    const again = this.#core.again(task, deps);
    task.again = again;
    // Who has what is lost gets the same.
    for (const ref of task.refs) {
      const last = lastOf(ref);
      if (ref.holders === 0 || isUsable(last)) continue;
      last.next = again.refs[ref.result] as Ref;
      last.next.holders += 1;
    }
    return again;
  }

  /** The agent settles what it owes. Nothing: it is lost on the way. */
  here(object: number, outcome: Outcome | undefined): void {
    const owed = this.#owed.get(object);
    if (owed === undefined) throw new Violation(`${object} is not owed`);
    this.#owed.delete(object);
    this.#core.settle(owed.next, outcome ?? { status: AWAY, bytes: new Uint8Array() });
    this.letGo(owed.of);
  }

  lose(place: number): void {
    const ref = this.#places.get(place);
    if (ref !== undefined) ref.place = undefined;
    this.#places.delete(place);
  }

  bring(place: number): void {
    const ref = this.#places.get(place);
    if (ref !== undefined) this.find(ref, false);
    this.lose(place);
  }

  /** A task does not count whose result is at this place. */
  unused(place: number): void {
    this.#news.push({ kind: 'drop', place });
  }

  /** Somebody does not need a ref any more. */
  letGo(ref: Ref): void {
    ref.holders -= 1;
    this.ifUnheld(ref);
  }

  /** The value of a ref goes that nobody needs. It may be made again: that is another one then. */
  ifUnheld(first: Ref): void {
    let ref: Ref | undefined = first;
    while (ref?.holders === 0 && ref.outcome !== undefined) {
      if (ref.place !== undefined) {
        this.#places.delete(ref.place);
        this.#news.push({ kind: 'drop', place: ref.place });
        ref.place = undefined;
      }
      const next: Ref | undefined = ref.next;
      ref.next = undefined;
      if (next !== undefined) next.holders -= 1;
      ref = next;
    }
  }
}

function fresh({ of, result }: Ref): Ref {
  return { of, result, outcome: undefined, place: undefined, next: undefined, holders: 1 };
}

/** The last of those that a ref leads to. */
function lastOf(ref: Ref): Ref {
  let last = ref;
  while (last.next !== undefined) last = last.next;
  return last;
}

/** Whether a ref has its value, or will have it, without another run. */
function isUsable(ref: Ref): boolean {
  for (let at: Ref | undefined = ref; at !== undefined; at = at.next) {
    if (at.outcome === undefined || !isAway(at) || at.place !== undefined) return true;
  }
  return false;
}
