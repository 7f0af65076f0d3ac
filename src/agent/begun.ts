import { ATTEMPT_BYTES } from '../common/ids.ts';
import { BEGUN_BYTES, NO_SLOT, SLOTS, slotAt } from '../core/run/begun.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import type { NodeId } from './ports.ts';
import type { Attempted } from './wire/entries.ts';

/** The slots of the page of begun tasks: which task has which. Without a page no task has one. */
export class BegunSlots {
  readonly #page: Buffer | undefined;
  readonly #free: number[] = [];
  #made = 0;
  /** Tasks without a slot. While there are any, the page does not say all. */
  #unnamed = 0;

  constructor({ addon, facts }: Pick<ThreadRuntime, 'addon' | 'facts'>) {
    if (facts.begunFd !== undefined) this.#page = Buffer.from(addon.mapBegun(facts.begunFd, BEGUN_BYTES));
  }

  /** A task of the node with this id is here. */
  take(node: Uint8Array, { index, generation, attempt }: Attempted): number {
    const page = this.#page;
    if (page === undefined) return NO_SLOT;
    const slot = this.#free.pop() ?? (this.#made < SLOTS ? this.#made++ : NO_SLOT);
    if (slot === NO_SLOT) {
      this.#unnamed += 1;
      page.writeUInt32LE(this.#unnamed, 0);
      return NO_SLOT;
    }
    const at = slotAt(slot);
    page[at + ATTEMPT_BYTES] = 0;
    for (let i = 0; i < node.length; i++) page[at + i] = node[i] as number;
    page.writeUInt32BE(generation, at + 8);
    page.writeUInt32BE(index, at + 12);
    page.writeUInt32LE(attempt, at + 16);
    return slot;
  }

  /** Whether a task has begun; true if that is not known. */
  hasBegun(slot: number): boolean {
    return this.#page === undefined || slot === NO_SLOT || this.#page[slotAt(slot) + ATTEMPT_BYTES] === 1;
  }

  /** Nobody needs to know of the task any more. */
  release(slot: number): void {
    if (this.#page === undefined) return;
    if (slot === NO_SLOT) {
      this.#unnamed -= 1;
      this.#page.writeUInt32LE(this.#unnamed, 0);
      return;
    }
    this.#page[slotAt(slot) + ATTEMPT_BYTES] = 0;
    this.#free.push(slot);
  }
}

/** What an attempt is called in a set of them. */
export function attemptKey({ index, generation, attempt }: Attempted): string {
  return `${generation}.${index}.${attempt}`;
}

/** The attempts of the tasks of `node` among those that a dead node had begun, as its row names them. */
export function begunOf(node: NodeId, names: string): ReadonlySet<string> {
  const bytes = Buffer.from(names, 'base64');
  const own = new Set<string>();
  for (let at = 0; at + ATTEMPT_BYTES <= bytes.length; at += ATTEMPT_BYTES) {
    if (bytes.toString('hex', at, at + 8) !== node) continue;
    const [generation, index, attempt] = [
      bytes.readUInt32BE(at + 8),
      bytes.readUInt32BE(at + 12),
      bytes.readUInt32LE(at + 16),
    ];
    own.add(attemptKey({ index, generation, attempt }));
  }
  return own;
}
