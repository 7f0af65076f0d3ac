import { History, type Operation } from '../check/history.ts';
import { checkLinearizable } from '../check/linearizable.ts';
import type { Seen } from '../check/subscriptions.ts';
import type { Self } from '../program.ts';
import type { Chance } from '../random.ts';
import { type Verdict, Violation } from '../scenario.ts';
import { show } from '../trace.ts';
import type { World } from '../world.ts';
import type { Ask, Told } from './client.ts';
import type { Change } from './messages.ts';
import { type StoreInput, type StoreResult, storeKey } from './model.ts';
import type { ReplicaState } from './replica.ts';
import { checkFollowers, checkSessions } from './verdicts.ts';
import type { WriterState } from './writer-state.ts';

interface Asked {
  readonly client: string;
  /** Numbers of its operations in the history. */
  readonly operations: readonly number[];
}

/** Milliseconds in which clients ask, and the mean between two questions of one. */
const asking = 4000;
const pace = 70;
const mostOpen = 4;

/** The load of the small protocol, and its checks. */
export class Load {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #history = new History<StoreInput, StoreResult>();
  readonly #open = new Map<number, Asked>();
  readonly #acknowledged: { readonly client: string; readonly batch: number }[] = [];
  /** What each life of a replica saw. */
  readonly #seen = new Map<string, Seen[]>();
  readonly #alive = new Set<string>();
  #asks = 0;
  #values = 0;

  constructor(world: World) {
    this.#world = world;
    this.#chance = world.chance('load');
  }

  started(self: Self): void {
    this.#alive.add(self.id);
    if (self.role === 'client') this.#askLater(self);
  }

  ended(self: Self): void {
    this.#alive.delete(self.id);
    for (const [ask, { client }] of this.#open) if (client === self.id) this.#open.delete(ask);
  }

  told(self: Self, what: unknown): void {
    if (self.role === 'replica') {
      this.#seen.set(self.id, [...(this.#seen.get(self.id) ?? []), what as Seen]);
      return;
    }
    const told = what as Told;
    const asked = this.#open.get(told.ask);
    if (asked === undefined) throw new Violation(`${self.id} was answered twice`);
    this.#open.delete(told.ask);
    const results: readonly StoreResult[] = 'results' in told ? told.results : [told.value];
    if ('batch' in told) this.#acknowledged.push({ client: self.id, batch: told.batch });
    for (const [i, number] of asked.operations.entries()) this.#history.return(number, results[i] as StoreResult);
  }

  check(): void {
    const state = this.#world.process('writer')?.life.state as WriterState | undefined;
    if (state === undefined) return;
    if (state.released > state.committed) throw new Violation('released what is not committed');
    if (state.committed > state.records.length) throw new Violation('committed what is not there');
  }

  waitsFor(): string | undefined {
    if (this.#world.time < asking * 1000) return 'the load';
    const [open] = this.#open;
    if (open !== undefined) return `${this.#open.size} answers, the first for ${show(open)}`;
    const writer = this.#world.process('writer')?.life.state as WriterState | undefined;
    if (writer?.ready !== true || writer.committed < writer.records.length) return 'the log';
    const behind = this.#replicas().find(({ applied }) => applied !== writer.committed);
    return behind && `${behind.id}, at ${behind.applied} of ${writer.committed}`;
  }

  finish(): Verdict {
    const operations = this.#history.operations();
    const verdicts = checkLinearizable(operations as Operation<StoreInput, StoreResult>[], storeKey);
    for (const verdict of verdicts) {
      if (verdict.is === 'not linearizable') throw new Violation(`the history is not linearizable: ${verdict.why}`);
    }
    const writer = this.#world.process('writer')?.life.state as WriterState | undefined;
    if (writer !== undefined) {
      checkSessions(writer.records, this.#acknowledged);
      checkFollowers(writer, this.#seen, this.#replicas());
    }
    return {
      checked: verdicts.filter(({ is }) => is === 'linearizable').length,
      notChecked: verdicts.filter(({ is }) => is === 'not checked').length,
    };
  }

  #replicas(): ReplicaState[] {
    return ['replica1', 'replica2'].flatMap((host) => {
      const state = this.#world.process(host)?.life.state;
      return state === undefined ? [] : [state as ReplicaState];
    });
  }

  #askLater(self: Self): void {
    this.#world.after(-Math.log(1 - this.#chance.next()) * pace, () => {
      if (!this.#alive.has(self.id) || this.#world.time > asking * 1000) return;
      const open = [...this.#open.values()].filter(({ client }) => client === self.id).length;
      if (open < mostOpen) this.#ask(self);
      this.#askLater(self);
    });
  }

  #ask(self: Self): void {
    const ask = ++this.#asks;
    const invoke = (key: string, input: StoreInput): number => this.#history.invoke(self.id, key, input);
    let what: Ask;
    let operations: number[];
    if (this.#chance.hit(0.5)) {
      const read = this.#chance.pick(['x', 'y', 'log']);
      what = { ask, read };
      operations = [invoke(read, { do: 'read' })];
    } else {
      const write = Array.from({ length: 1 + this.#chance.below(2) }, () => this.#change());
      what = { ask, write };
      operations = write.map((change) => invoke(change.key, change));
    }
    this.#open.set(ask, { client: self.id, operations });
    this.#world.ask(self.host, what);
  }

  #change(): Change {
    const value = `v${++this.#values}`;
    if (this.#chance.hit(0.4)) return { do: 'append', key: 'log', value };
    const key = this.#chance.pick(['x', 'y']);
    if (this.#chance.hit(0.5)) return { do: 'write', key, value };
    // Often right: the last value that was made is often there.
    const expect = this.#chance.hit(0.3) ? null : `v${Math.max(1, this.#values - 1 - this.#chance.below(4))}`;
    return { do: 'cas', key, expect, value };
  }
}
