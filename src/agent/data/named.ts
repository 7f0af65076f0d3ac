import type { NodeId } from '../ports.ts';
import { entry } from '../wire/entries.ts';
import { type EntryReader, type EntryWriter, malformed } from '../wire/entry.ts';

/** The buffers of one value, which the sender of the entry serves under a number of its own. */
export interface Named {
  readonly number: number;
  readonly lengths: readonly number[];
}

/** The buffers of a value that stays at a node, which serves them. */
export interface Placed extends Named {
  readonly node: NodeId;
}

/** What the core is told of a value that stays: the numbers of its place and of its node, and its bytes. */
export interface Placing {
  readonly place: number;
  readonly node: number;
  readonly bytes: number;
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

export function writeNode(to: EntryWriter, node: NodeId): void {
  to.raw(Buffer.from(node, 'hex'));
}

export function readNode(from: EntryReader): NodeId {
  return Buffer.from(from.raw(NODE_BYTES)).toString('hex');
}

/** Nothing needs the copies of a value any more that stays at a node. */
export function writeUnplaced(to: EntryWriter, node: NodeId, number: number): void {
  to.begin(entry.unplaced);
  writeNode(to, node);
  to.u64(number);
  to.end();
}

export function readUnplaced(from: EntryReader): { readonly node: NodeId; readonly number: number } {
  const read = { node: readNode(from), number: from.u64() };
  from.end();
  return read;
}

/** What the buffers that one task names are told apart by: numbers of its submitter, and numbers of the nodes where values stay. */
export function keyOf(named: Named | Placed): string | number {
  return 'node' in named ? `${named.node} ${named.number}` : named.number;
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
