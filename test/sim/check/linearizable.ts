import { show } from '../trace.ts';
import type { Operation } from './history.ts';

/** What one key of a store would do if only one operation ran at a time. States are not changed, but made anew. */
export interface Model<S, I, R> {
  readonly initial: S;
  apply(state: S, input: I): { readonly state: S; readonly result: R };
  same(expected: R, got: R): boolean;
  /** Whether an operation that had this result changes nothing in any state: a read, a compare-and-set that failed. */
  changesNothing(input: I, result: R): boolean;
  /** The same text for equal states only. */
  id(state: S): string;
}

export type Linearizable =
  | { readonly is: 'linearizable' }
  | { readonly is: 'not linearizable'; readonly key: string; readonly why: string }
  /** The budget was used up. It is no pass. */
  | { readonly is: 'not checked'; readonly key: string };

/** The verdict for each key: a history is linearizable if that of each key is. `budget`: steps of the search, a key. */
export function checkLinearizable<S, I, R>(
  operations: readonly Operation<I, R>[],
  model: Model<S, I, R>,
  budget = 200_000,
): Linearizable[] {
  const keys = new Map<string, Operation<I, R>[]>();
  for (const operation of operations) keys.set(operation.key, [...(keys.get(operation.key) ?? []), operation]);
  return [...keys].map(([key, ofKey]) => new Search(key, ofKey, model).run(budget));
}

/** The begin or the end of an operation, in a list by time from which operations are lifted once they have their place. */
interface Entry {
  readonly operation: number;
  /** The end of the operation; the begin has it, the end does not. */
  readonly end: Entry | undefined;
  previous: Entry | undefined;
  next: Entry | undefined;
}

/** An operation that has its place, and the state before it. */
interface Taken<S> {
  readonly entry: Entry;
  readonly state: S;
  /** It was not tried, but could only come here. */
  readonly free: boolean;
}

/**
 * Wing and Gong's search with Lowe's memory: takes some operation that may come first, and goes on with the rest; goes back if that
 * comes to nothing. The same set of operations done with the same state is not searched twice.
 */
class Search<S, I, R> {
  readonly #key: string;
  readonly #operations: readonly Operation<I, R>[];
  readonly #model: Model<S, I, R>;
  readonly #head: Entry = { operation: -1, end: undefined, previous: undefined, next: undefined };
  readonly #done: Uint16Array;
  readonly #taken: Taken<S>[] = [];
  #longest: number[] = [];

  constructor(key: string, operations: readonly Operation<I, R>[], model: Model<S, I, R>) {
    this.#key = key;
    this.#operations = operations;
    this.#model = model;
    this.#done = new Uint16Array(Math.ceil(operations.length / 16));
    const times = operations.flatMap(({ invoked, returned = Number.POSITIVE_INFINITY }, operation) => {
      const end: Entry = { operation, end: undefined, previous: undefined, next: undefined };
      return [
        { at: invoked, entry: { operation, end, previous: undefined, next: undefined } },
        { at: returned, entry: end },
      ];
    });
    let last = this.#head;
    for (const { entry } of times.sort((a, b) => (a.at < b.at ? -1 : 1))) {
      last.next = entry;
      entry.previous = last;
      last = entry;
    }
  }

  run(budget: number): Linearizable {
    const seen = new Set<string>();
    let { initial: state } = this.#model;
    this.#takeFree(state);
    let entry = this.#head.next;
    for (let steps = 0; entry !== undefined; steps++) {
      if (steps > budget) return { is: 'not checked', key: this.#key };
      const { result, returned, input } = this.#of(entry);
      if (entry.end !== undefined) {
        const after = this.#model.apply(state, input);
        const fits = returned === undefined || this.#model.same(after.result, result as R);
        if (fits && this.#isNew(seen, entry, after.state)) {
          this.#take(entry, state, false);
          state = after.state;
          this.#takeFree(state);
          entry = this.#head.next;
        } else entry = entry.next;
        continue;
      }
      // The end of an operation that has no place yet. Of an open one: all others have theirs, and it may never have happened.
      if (returned === undefined) break;
      const back = this.#goBack();
      if (back === undefined) return { is: 'not linearizable', key: this.#key, why: this.#explain() };
      state = back.state;
      entry = back.entry.next;
    }
    return { is: 'linearizable' };
  }

  /**
   * Takes all that may come now, fits, and changes nothing: reads, above all. What comes later can come after them as well, so there is
   * no need to try them elsewhere.
   */
  #takeFree(state: S): void {
    for (let entry = this.#head.next; entry?.end !== undefined; entry = entry.next) {
      const { input, result, returned } = this.#of(entry);
      if (returned === undefined || !this.#model.changesNothing(input, result as R)) continue;
      if (!this.#model.same(this.#model.apply(state, input).result, result as R)) continue;
      this.#mark(entry.operation);
      this.#take(entry, state, true);
    }
  }

  #take(entry: Entry, state: S, free: boolean): void {
    this.#taken.push({ entry, state, free });
    this.#lift(entry);
    if (this.#taken.length > this.#longest.length) this.#longest = this.#taken.map((step) => step.entry.operation);
  }

  /** Puts back the last that was tried and not free. */
  #goBack(): Taken<S> | undefined {
    for (let back = this.#taken.pop(); back !== undefined; back = this.#taken.pop()) {
      this.#mark(back.entry.operation);
      this.#putBack(back.entry);
      if (!back.free) return back;
    }
    return undefined;
  }

  #of(entry: Entry): Operation<I, R> {
    return this.#operations[entry.operation] as Operation<I, R>;
  }

  /** Whether these operations have not been done with this state before; they count as done then. */
  #isNew(seen: Set<string>, { operation }: Entry, state: S): boolean {
    this.#mark(operation);
    const memory = `${String.fromCharCode(...this.#done)}/${this.#model.id(state)}`;
    if (!seen.has(memory)) return seen.add(memory) !== undefined;
    this.#mark(operation);
    return false;
  }

  #mark(operation: number): void {
    const word = operation >> 4;
    this.#done[word] = (this.#done[word] ?? 0) ^ (1 << (operation & 15));
  }

  #lift(entry: Entry): void {
    for (const one of [entry, entry.end as Entry]) {
      if (one.previous !== undefined) one.previous.next = one.next;
      if (one.next !== undefined) one.next.previous = one.previous;
    }
  }

  #putBack(entry: Entry): void {
    for (const one of [entry.end as Entry, entry]) {
      if (one.previous !== undefined) one.previous.next = one;
      if (one.next !== undefined) one.next.previous = one;
    }
  }

  /** The longest order that was found, and what fits nowhere after it. */
  #explain(): string {
    const line = ({ client, input, result, invoked, returned }: Operation<I, R>): string =>
      `  ${client} ${show(input)} -> ${returned === undefined ? 'open' : show(result)} [${invoked}, ${returned ?? '∞'}]`;
    const placed = this.#longest.map((operation) => line(this.#operations[operation] as Operation<I, R>));
    const rest = this.#operations.filter((_, i) => !this.#longest.includes(i)).sort((a, b) => a.invoked - b.invoked);
    return [
      `key ${this.#key}: the longest order found`,
      ...placed.slice(-12),
      'then none of',
      ...rest.slice(0, 8).map(line),
    ].join('\n');
  }
}
