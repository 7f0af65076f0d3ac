import { taskFlag } from '../core/port/wire.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { jobNumber } from './jobs.ts';
import type { Outgoing } from './sending.ts';
import type { WireValues } from './values.ts';
import { type Made, valuesOf } from './wire/entries.ts';
import { VALUES_BYTES } from './wire/entry.ts';

/** Bytes of a task record before its arguments. */
const TASK_HEAD = 28;
/** Bytes of an argument that is not there yet: its position, its maker, its result; and of one that is at another node: its position, its place. */
const MADE_BYTES = 16;
const PLACED_BYTES = 8;

const none: readonly never[] = [];
const nowhere: ReadonlyMap<number, number> = new Map();

/** A task that the core has handed out. */
export interface Handed {
  readonly task: Outgoing;
  /** The line that it comes from; of no meaning where it follows others. */
  readonly line: number;
  /** What the global scheduler is told of it. */
  readonly ask: string;
  /** Whether it may run more than once. */
  readonly mayRepeat: boolean;
  /** Whether its values are more than can be sent. */
  readonly tooLarge: boolean;
  /** Where its record ends. */
  readonly end: number;
}

/** Reads the tasks that the core hands out. */
export class Handing {
  readonly #runtime: ThreadRuntime;
  readonly #values: WireValues;
  readonly #attempt: (index: number) => number;

  /** `attempt`: which attempt of a task is out. */
  constructor(runtime: ThreadRuntime, values: WireValues, attempt: (index: number) => number) {
    this.#runtime = runtime;
    this.#values = values;
    this.#attempt = attempt;
  }

  /** The task at `pos` of the inbox. */
  read(pos: number): Handed {
    const { port, registry, values } = this.#runtime;
    const word = (at: number): number => port.inboxView.getUint32(pos + at, true);
    const { id, info } = registry.get(word(12));
    if (info.kind !== 'task' || info.forward === undefined) throw new Error('a task came that this node keeps');
    const flags = port.inbox[pos + 1] as number;
    const follows = (flags & taskFlag.follows) !== 0;
    const made = follows ? this.#made(pos + TASK_HEAD) : none;
    const placed = (flags & taskFlag.elsewhere) === 0 ? nowhere : this.#placed(pos + TASK_HEAD);
    const head = {
      index: word(4),
      generation: word(8),
      attempt: word(16),
      template: id,
      job: jobNumber(info.job ?? ''),
      results: info.numReturns,
      deps: word(24),
      made,
    };
    const lists = (follows ? 4 + made.length * MADE_BYTES : 0) + (placed.size > 0 ? 4 + placed.size * PLACED_BYTES : 0);
    const argsAt = pos + TASK_HEAD + lists;
    let [end, bytes] = [argsAt, 0];
    for (let i = valuesOf(head) - placed.size; i > 0; i--) {
      bytes += this.#values.size(end);
      end = values.skip(end);
    }
    const task = { head, argsAt, placed };
    const mayRepeat = info.spec.maxRetries !== 0;
    return { task, line: word(20), ask: info.forward, mayRepeat, tooLarge: bytes > VALUES_BYTES, end };
  }

  /** The places of the arguments that are at other nodes, by their position. */
  #placed(pos: number): ReadonlyMap<number, number> {
    const { inboxView: view } = this.#runtime.port;
    const count = view.getUint32(pos, true);
    const at = (i: number): number => pos + 4 + i * PLACED_BYTES;
    return new Map(
      Array.from({ length: count }, (_, i) => [view.getUint32(at(i), true), view.getUint32(at(i) + 4, true)]),
    );
  }

  /** The arguments at `pos` that tasks make which are out, with the attempts that are. */
  #made(pos: number): readonly Made[] {
    const { inboxView: view } = this.#runtime.port;
    return Array.from({ length: view.getUint32(pos, true) }, (_, i) => {
      const at = pos + 4 + i * MADE_BYTES;
      const index = view.getUint32(at + 4, true);
      return {
        position: view.getUint32(at, true),
        index,
        generation: view.getUint32(at + 8, true),
        attempt: this.#attempt(index),
        result: view.getUint32(at + 12, true),
      };
    });
  }
}
