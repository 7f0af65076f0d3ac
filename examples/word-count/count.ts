import type { Piece } from './chunks.ts';
import { readPiece } from './read-piece.ts';

/** How often each word occurs. */
export type Counts = Map<string, number>;

/** Adds the words of a text: runs of letters and digits, in lower case. */
export function countWords(counts: Counts, text: string): void {
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
}

/** Map: counts a chunk's words, split by key into `partitions`, so that each word has one reducer. */
export async function mapChunk(chunk: readonly Piece[], partitions: number): Promise<Counts[]> {
  const counts: Counts = new Map();
  for (const piece of chunk) countWords(counts, await readPiece(piece));
  const outputs = Array.from({ length: partitions }, (): Counts => new Map());
  for (const [word, count] of counts) outputs[hash(word) % partitions]?.set(word, count);
  return outputs;
}

/** Reduce: adds up what all mappers found for one partition. */
export function reducePartition(...parts: Counts[]): Counts {
  const total: Counts = new Map();
  for (const part of parts) {
    for (const [word, count] of part) total.set(word, (total.get(word) ?? 0) + count);
  }
  return total;
}

/** FNV-1a over the word's UTF-16 code units. */
function hash(word: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < word.length; index += 1) {
    value = Math.imul(value ^ word.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
