import { type EntryReader, type EntryWriter, malformed } from '../wire/entry.ts';

/** The buffers of one value, which the sender of the entry serves under a number of its own. */
export interface Named {
  readonly number: number;
  readonly lengths: readonly number[];
}

/** Buffers that one value may have: `crates/mobula-net/src/limits.rs` has the same. */
export const MOST_BUFFERS: number = 1 << 16;
const NODE_BYTES = 8;

export function writeNamed(to: EntryWriter, { number, lengths }: Named): void {
  to.u64(number);
  to.u32(lengths.length);
  for (const length of lengths) to.u64(length);
}

export function readNamed(from: EntryReader): Named {
  const number = from.u64();
  const count = from.u32();
  if (count === 0 || count > MOST_BUFFERS) throw malformed(`a value of ${count} buffers`);
  return { number, lengths: Array.from({ length: count }, () => from.u64()) };
}

/** All bytes of them. */
export function bytesOf({ lengths }: Named): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}

/** What the data plane calls buffers in the whole cluster: the node that serves them, and its number. */
export function nameOf(node: Uint8Array, number: number): Uint8Array {
  const name = new Uint8Array(NODE_BYTES + 8);
  name.set(node);
  new DataView(name.buffer).setBigUint64(NODE_BYTES, BigInt(number), true);
  return name;
}
