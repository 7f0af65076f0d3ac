import type { ShardLog } from '../shard/ports.ts';

/** A log in this process's memory. What a crash or a loss of power leaves of it is for tests to say. */
export class MemoryLog implements ShardLog {
  readonly #batches: { readonly lastSeq: number; readonly bytes: Buffer }[] = [];

  append(_firstSeq: number, lastSeq: number, bytes: Buffer): void {
    this.#batches.push({ lastSeq, bytes });
  }

  *read(): Iterable<Buffer> {
    for (const { bytes } of this.#batches) yield bytes;
  }

  /** Forgets what is after `seq`, as a host does that loses power. */
  cut(seq: number): void {
    while ((this.#batches.at(-1)?.lastSeq ?? 0) > seq) this.#batches.pop();
  }
}
