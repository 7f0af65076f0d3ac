import type { NodeId } from '../ports.ts';
import type { DataPort } from './ports.ts';

/** Milliseconds between two looks at what no task names any more; and if there was something to end, and there may be more. */
export const SWEEP_MS = 1000;
const AGAIN_MS = 20;
/** So many are looked at in one go: a program may hold any number of refs. */
export const VISITS = 1000;

/** Buffers that tasks name which are out, or have named. */
interface Shared {
  readonly number: number;
  readonly key: string;
  /** Tasks that are out and name it. */
  users: number;
  readonly nodes: Set<NodeId>;
}

/**
 * What other nodes may fetch here. A result is served until it was fetched. An argument is served until no task that names it is out,
 * and nothing else here needs it: tasks with the same argument name the same, so a node fetches it once.
 */
export class Serving {
  readonly #data: DataPort;
  readonly #byBuffers = new Map<string, Shared>();
  readonly #byNumber = new Map<number, Shared>();
  /** Those that no task names which is out. */
  readonly #idle = new Set<Shared>();
  #last = 0;
  /** When they are looked at. */
  due: number = Number.POSITIVE_INFINITY;

  constructor(data: DataPort) {
    this.#data = data;
  }

  /** Serves a result; gives its number. */
  result(buffers: readonly number[]): number {
    const number = ++this.#last;
    this.#data.serve(number, buffers);
    return number;
  }

  /** A result was fetched, or nobody will. */
  resultOver(number: number): void {
    this.#data.unserve(number);
  }

  /** Serves an argument that a task names which goes to `node`; gives its number. */
  argument(buffers: readonly number[], node: NodeId): number {
    const key = buffers.join();
    let shared = this.#byBuffers.get(key);
    if (shared === undefined) {
      shared = { number: ++this.#last, key, users: 0, nodes: new Set() };
      this.#data.serve(shared.number, buffers);
      this.#byBuffers.set(key, shared);
      this.#byNumber.set(shared.number, shared);
    }
    shared.users += 1;
    shared.nodes.add(node);
    this.#idle.delete(shared);
    return shared.number;
  }

  /** A task that has named it is out no more. */
  argumentOver(number: number, now: number): void {
    const shared = this.#byNumber.get(number);
    if (shared === undefined) throw new Error(`nothing is served as ${number}`);
    shared.users -= 1;
    if (shared.users > 0) return;
    this.#idle.add(shared);
    this.due = Math.min(this.due, now + SWEEP_MS);
  }

  /** Ends what nothing needs; `tell` hears of each, and of the nodes that may have a copy. */
  sweep(now: number, tell: (number: number, nodes: ReadonlySet<NodeId>) => void): void {
    if (now < this.due) return;
    const before = this.#idle.size;
    let visits = Math.min(before, VISITS);
    for (const shared of this.#idle) {
      if (visits-- === 0) break;
      const { number, key, nodes } = shared;
      this.#idle.delete(shared);
      if (!this.#data.isAlone(number)) {
        // Behind the others, whose turn is next.
        this.#idle.add(shared);
        continue;
      }
      this.#data.unserve(number);
      this.#byBuffers.delete(key);
      this.#byNumber.delete(number);
      tell(number, nodes);
    }
    if (this.#idle.size === 0) this.due = Number.POSITIVE_INFINITY;
    else this.due = now + (before > VISITS && this.#idle.size < before ? AGAIN_MS : SWEEP_MS);
  }
}
