/**
 * The page of begun tasks: which tasks of other nodes a node has begun, in memory that outlives its process. Its supervisor reads it when
 * the node is dead (`boot/supervisor/begun-page.ts`).
 *
 *     u32 tasks that have no slot
 *     u32 0
 *     slots: 20 bytes TaskId and attempt, as they stand in an origin; u8 whether it has begun; 3 bytes 0
 *
 * The agent gives a task its slot when it comes, and takes it back when the submitter has settled the answer: until then the
 * task counts as begun, though it has ended. The worker alone marks it.
 */
import { ATTEMPT_BYTES } from '../../common/ids.ts';
import type { Origin } from './origin.ts';

/** Bytes of a page. */
export const BEGUN_BYTES = 786_432;
/** Of a task that has no slot. */
export const NO_SLOT = 0xffff_ffff;
const HEAD_BYTES = 8;
const SLOT_BYTES = 24;
export const SLOTS: number = Math.floor((BEGUN_BYTES - HEAD_BYTES) / SLOT_BYTES);
/** More are not reported: 80 KiB. */
const MOST_BEGUN = 4096;

/** Where a slot begins. */
export function slotAt(slot: number): number {
  return HEAD_BYTES + slot * SLOT_BYTES;
}

/** A worker's marks on the page. */
export class BegunMarks {
  readonly #page: Uint8Array;

  constructor(page: Uint8Array) {
    this.#page = page;
  }

  /** Before any code of the task's runs, its modules' and its arguments' too. */
  mark(slot: number): void {
    if (slot !== NO_SLOT) this.#page[slotAt(slot) + ATTEMPT_BYTES] = 1;
  }

  /** It has not begun after all. The slot may be another task's by now. */
  unmark({ slot, taskId, attempt }: Pick<Origin, 'slot' | 'taskId' | 'attempt'>): void {
    if (slot === NO_SLOT) return;
    const at = slotAt(slot);
    const name = Buffer.alloc(ATTEMPT_BYTES);
    name.write(taskId, 'hex');
    name.writeUInt32LE(attempt, ATTEMPT_BYTES - 4);
    if (name.equals(this.#page.subarray(at, at + ATTEMPT_BYTES))) this.#page[at + ATTEMPT_BYTES] = 0;
  }
}

/** The names of the tasks that a page says are begun, one behind the other. Undefined: it does not say all of them. */
export function begunIn(page: Buffer): Buffer | undefined {
  if (page.length < BEGUN_BYTES || page.readUInt32LE(0) > 0) return undefined;
  const names: Buffer[] = [];
  for (let slot = 0; slot < SLOTS; slot++) {
    const at = slotAt(slot);
    if (page[at + ATTEMPT_BYTES] === 1) names.push(page.subarray(at, at + ATTEMPT_BYTES));
  }
  return names.length > MOST_BEGUN ? undefined : Buffer.concat(names);
}
