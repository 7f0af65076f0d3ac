import { Alarm } from '../../common/alarm.ts';
import { MobulaError } from '../../common/errors.ts';
import { now } from '../../common/timers.ts';
import type { Change, ClientId, Link } from '../shard/index.ts';
import { MOST_BYTES } from '../shard/operations.ts';
import type { ClientEvent, Heard, Told } from './ports.ts';
import { type ClientState, newClient } from './state.ts';
import { client } from './step.ts';

/** What came of a batch. */
export interface Outcome {
  readonly lastSeq: number;
  /** Of the operations that are not plain OK: `shard/results.ts`. */
  readonly results: Buffer;
}

export type WatchListener = (whole: boolean, changes: readonly Change[]) => void;

interface Watcher {
  readonly listener: WatchListener;
  readonly failed: (error: Error) => void;
}

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Runs the step of a client: promises on one side, a connection on the other. */
export class ShardClient {
  readonly #state: ClientState;
  readonly #over: (why: 'expired' | 'state-lost') => void;
  readonly #outcomes = new Map<number, Waiting<Outcome>>();
  readonly #values = new Map<number, Waiting<readonly (Change | null)[]>>();
  readonly #watchers = new Map<number, Watcher>();
  #tell: (event: Told) => void = () => {};
  #lastId = 0;
  readonly #alarm = new Alarm(() => this.#step({ kind: 'tick' }));
  #ended: Error | undefined;

  /** `over`: the shard will not serve this client any more. `close` is called by whoever hears that. */
  constructor(id: ClientId, over: (why: 'expired' | 'state-lost') => void) {
    this.#state = newClient(id);
    this.#over = over;
  }

  up(link: Link, tell: (event: Told) => void): void {
    this.#tell = tell;
    this.#step({ kind: 'up', link });
  }

  down(link: Link): void {
    this.#step({ kind: 'down', link });
  }

  heard(said: Heard): void {
    this.#step({ kind: 'heard', said });
  }

  /** Carries operations out, once, behind those of earlier calls. The bytes must not change. */
  submit(ops: Buffer): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      refuseLong(ops.length);
      const id = this.#nextId();
      this.#outcomes.set(id, { resolve, reject });
      this.#step({ kind: 'submit', id, ops });
    });
  }

  /** What is there now, in the order of `keys`; null: nothing. */
  read(table: number, keys: readonly Buffer[]): Promise<readonly (Change | null)[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      refuseLong(keys.reduce((sum, { length }) => sum + length + 2, 0));
      const id = this.#nextId();
      this.#values.set(id, { resolve, reject });
      this.#step({ kind: 'ask', id, table, keys });
    });
  }

  /**
   * Tells all records whose keys begin with `prefix`, then each change; all again where changes may have been missed. `failed`: no
   * more will come.
   */
  watch(table: number, prefix: Buffer, listener: WatchListener, failed: (error: Error) => void = () => {}): () => void {
    const id = this.#nextId();
    if (this.#ended !== undefined) failed(this.#ended);
    else this.#watchers.set(id, { listener, failed });
    this.#step({ kind: 'watch', id, table, prefix });
    return () => {
      this.#watchers.delete(id);
      this.#step({ kind: 'unwatch', id });
    };
  }

  /** Nothing is waited for any more. */
  close(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#alarm.stop();
    for (const { reject } of [...this.#outcomes.values(), ...this.#values.values()]) reject(error);
    for (const { failed } of this.#watchers.values()) failed(error);
    this.#outcomes.clear();
    this.#values.clear();
    this.#watchers.clear();
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #step(event: ClientEvent): void {
    if (this.#ended !== undefined) return;
    for (const effect of client(this.#state, event, { now: now(), random: Math.random })) {
      switch (effect.kind) {
        case 'tell':
          this.#tell(effect.event);
          break;
        case 'outcome':
          take(this.#outcomes, effect.id)?.resolve(effect);
          break;
        case 'values':
          take(this.#values, effect.id)?.resolve(effect.values);
          break;
        case 'changed':
          this.#watchers.get(effect.id)?.listener(effect.whole, effect.changes);
          break;
        case 'wake':
          this.#alarm.at(effect.at);
          break;
        case 'over':
          this.#over(effect.why);
          break;
      }
    }
  }
}

function refuseLong(bytes: number): void {
  if (bytes > MOST_BYTES)
    throw new MobulaError(
      'ERR_MOBULA_INVALID_ARGUMENT',
      `${bytes} bytes are asked of the control store at once, more than ${MOST_BYTES}. Ask in parts`,
    );
}

function take<T>(map: Map<number, T>, id: number): T | undefined {
  const found = map.get(id);
  map.delete(id);
  return found;
}
