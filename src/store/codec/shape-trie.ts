import type { KeyList, KeyLists, ShapeWriter, Write } from './encode-state.ts';
import type { ShapeTable } from './hooks.ts';
import { shapeWriter } from './shape-writers.ts';

/** Objects with more keys than this carry them inline. */
export const MAX_SHAPE_KEYS = 32;
/** A key list is interned when it is met this often, so that objects used as dictionaries do not fill the table. */
const SIGHTINGS = 3;
/** Generating code costs some 20 µs: it pays for shapes that are met again. */
const SIGHTINGS_BEFORE_CODE = 16;
/** How many key lists one thread interns at most. */
const MAX_SHAPES = 2048;
/** Shapes not leading to a shape; past this they are forgotten, so that the trie stays small and stays able to learn. */
const MAX_NODES = 8192;

/** Where a key list ends in the trie. */
export class Shape implements KeyList {
  id = -1;
  sightings = 0;
  write: ShapeWriter | undefined = undefined;
  /** The child followed last, before asking the map. */
  lastKey: string | undefined = undefined;
  lastChild: Shape | undefined = undefined;
  children: Map<string, Shape> | undefined = undefined;
}

/** One thread's way from the keys of an object to its shape id. */
export class ShapeTrie implements KeyLists {
  readonly #table: ShapeTable;
  readonly #write: Write;
  #root = new Shape();
  #nodes = 0;
  #interned: { readonly keys: readonly string[]; readonly shape: Shape }[] = [];

  constructor(table: ShapeTable, write: Write) {
    this.#table = table;
    this.#write = write;
  }

  /** What is known of this key list. */
  find(keys: readonly string[]): Shape {
    let node = this.#root;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      node = node.lastKey === key ? (node.lastChild as Shape) : this.#step(node, key);
    }
    if (node.write === undefined) this.#sight(node, keys);
    return node;
  }

  #step(node: Shape, key: string): Shape {
    node.children ??= new Map();
    let child = node.children.get(key);
    if (child === undefined) {
      child = new Shape();
      node.children.set(key, child);
      this.#nodes++;
    }
    node.lastKey = key;
    node.lastChild = child;
    return child;
  }

  #sight(shape: Shape, keys: readonly string[]): void {
    shape.sightings++;
    if (shape.sightings === SIGHTINGS && this.#interned.length < MAX_SHAPES) {
      shape.id = this.#table.intern(keys);
      if (shape.id >= 0) this.#interned.push({ keys, shape });
    }
    if (shape.sightings >= SIGHTINGS_BEFORE_CODE && shape.id >= 0) shape.write = shapeWriter(keys, this.#write);
    if (this.#nodes > MAX_NODES) this.#forget();
  }

  #forget(): void {
    this.#root = new Shape();
    for (const { keys, shape } of this.#interned) {
      let node = this.#root;
      for (const key of keys) node = this.#step(node, key);
      node.id = shape.id;
      node.write = shape.write;
    }
    this.#nodes = 0;
  }
}

const tries = new WeakMap<ShapeTable, ShapeTrie>();
let lastTable: ShapeTable | undefined;
let lastTrie: ShapeTrie | undefined;

/** This thread's trie over `table`. */
export function trieOf(table: ShapeTable, write: Write): ShapeTrie {
  if (table === lastTable && lastTrie !== undefined) return lastTrie;
  let trie = tries.get(table);
  if (trie === undefined) {
    trie = new ShapeTrie(table, write);
    tries.set(table, trie);
  }
  lastTable = table;
  lastTrie = trie;
  return trie;
}
