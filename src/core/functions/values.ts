import { types } from 'node:util';
import type { Shipped, ShippedData, ShippedPatch } from './shipped.ts';

/** How packing asks about what it meets inside captured data. `path` is such as `.rows[3]`. */
export interface PackHost {
  /** A marker for a value that cannot stay in the data as it is; `undefined` where it can. */
  replace(value: unknown, path: string): Shipped | undefined;
  /** Whether a value travels as it is and is not to be looked into. */
  isOpaque(value: object): boolean;
  /** Throws where an object that is no plain container cannot travel. */
  check(value: object, path: string): void;
}

interface Node {
  readonly value: object;
  readonly path: string;
  readonly parents: Set<Node>;
  readonly replaced: { readonly key: unknown; readonly shipped: Shipped }[];
  mustCopy: boolean;
}

/**
 * Makes captured data ready to travel: functions inside it are taken out and listed as patches, in copies of the objects that lead to them.
 * `copies` is shared between the values of one capture, so that an object that two of them reach stays one object.
 */
export function packData(value: unknown, host: PackHost, copies: Map<object, object>): ShippedData {
  if (typeof value !== 'object' || value === null || host.isOpaque(value)) return { kind: 'data', value, patches: [] };
  const nodes = survey(value, host);
  const patches: ShippedPatch[] = [];
  for (const node of nodes.values()) {
    if (!node.mustCopy || copies.has(node.value)) continue;
    const odd = shellOf(node.value);
    if (odd !== undefined) host.check(odd, node.path);
    copies.set(node.value, emptyCopy(node.value));
  }
  for (const node of nodes.values()) {
    const container = copies.get(node.value);
    if (node.mustCopy && container !== undefined) patches.push(...fillCopy(container, node, copies));
  }
  return { kind: 'data', value: copies.get(value) ?? value, patches };
}

/** Fills the copy of a container, and returns what is to be put into it later. */
function fillCopy(container: object, node: Node, copies: ReadonlyMap<object, object>): ShippedPatch[] {
  const isSet = types.isSet(container);
  const holes = new Map(node.replaced.map(({ key, shipped }) => [key, shipped]));
  const patches: ShippedPatch[] = [];
  for (const [key, child] of entriesOf(node.value)) {
    const shipped = holes.get(key);
    if (shipped === undefined) putInto(container, key, copies.get(child as object) ?? child);
    else {
      patches.push({ container, key: isSet ? undefined : key, shipped });
      // A hole keeps the order of an object's keys; a Set needs none, its functions are added later.
      if (!isSet) putInto(container, key, undefined);
    }
  }
  return patches;
}

/** Puts `value` where a patch says. */
export function putInto(container: object, key: unknown, value: unknown): void {
  if (container instanceof Map) container.set(key, value);
  else if (container instanceof Set) container.add(value);
  else Object.defineProperty(container, key as string, { value, writable: true, enumerable: true, configurable: true });
}

/** Finds every container reachable from `root`, and which of them lead to a value that must be replaced. */
function survey(root: object, host: PackHost): Map<object, Node> {
  const nodes = new Map<object, Node>();
  const waiting: Node[] = [];
  const enter = (value: object, path: string, parent: Node | undefined): void => {
    let node = nodes.get(value);
    if (node === undefined) {
      if (!isContainer(value)) {
        host.check(value, path);
        return;
      }
      node = { value, path, parents: new Set(), replaced: [], mustCopy: false };
      nodes.set(value, node);
      waiting.push(node);
    }
    if (parent !== undefined) node.parents.add(parent);
  };
  enter(root, '', undefined);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) lookInto(next, host, enter);
  markCopies(nodes.values());
  return nodes;
}

/** Visits what a container holds: `enter` is called for what has to be looked into in turn. */
function lookInto(node: Node, host: PackHost, enter: (value: object, path: string, parent: Node) => void): void {
  if (Array.isArray(node.value) && node.value.every(isPrimitive)) return;
  for (const [key, child] of entriesOf(node.value)) {
    if (child === null || isPrimitive(child)) continue;
    if (typeof child === 'object' && host.isOpaque(child)) continue;
    const at = node.path + describeKey(node.value, key);
    const shipped = host.replace(child, at);
    if (shipped !== undefined) node.replaced.push({ key, shipped });
    else if (typeof child === 'object') enter(child, at, node);
  }
}

/** A container needs a copy if something in it is replaced, or something in what it leads to. */
function markCopies(nodes: Iterable<Node>): void {
  const marked = [...nodes].filter((node) => node.replaced.length > 0);
  for (let node = marked.pop(); node !== undefined; node = marked.pop()) {
    if (node.mustCopy) continue;
    node.mustCopy = true;
    marked.push(...node.parents);
  }
}

function isPrimitive(value: unknown): boolean {
  return typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol';
}

function isContainer(value: object): boolean {
  if (types.isProxy(value)) return false;
  if (Array.isArray(value) || types.isMap(value) || types.isSet(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Object.prototype of any realm.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function emptyCopy(value: object): object {
  if (types.isMap(value)) return new Map();
  if (types.isSet(value)) return new Set();
  return Array.isArray(value) ? new Array(value.length) : {};
}

/**
 * A container without its contents, if it has anything that its copy would not have: a class of its own, symbols as keys, properties of a Map or
 * Set. What is wrong with the one is wrong with the other.
 */
function shellOf(value: object): object | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isCollection = types.isMap(value) || types.isSet(value);
  const keys = isCollection ? Reflect.ownKeys(value) : Object.getOwnPropertySymbols(value);
  const extra = keys.filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));
  const shell = emptyCopy(isCollection || !Array.isArray(value) ? value : []);
  const isOdd =
    extra.length > 0 || ((isCollection || Array.isArray(value)) && prototype !== Object.getPrototypeOf(shell));
  if (!isOdd) return undefined;
  for (const key of extra) Object.defineProperty(shell, key, { value: 0, enumerable: true });
  return Object.setPrototypeOf(shell, prototype as object) as object;
}

/** What a container holds. Keys of Maps are not looked into: one that cannot travel is refused when the data is checked. */
function entriesOf(value: object): Iterable<[key: unknown, child: unknown]> {
  if (types.isMap(value)) return value.entries();
  if (types.isSet(value)) return value.entries();
  return Object.entries(value);
}

function describeKey(container: object, key: unknown): string {
  if (Array.isArray(container)) return `[${String(key)}]`;
  if (types.isMap(container)) return `.get(${typeof key === 'string' ? JSON.stringify(key) : String(key)})`;
  if (types.isSet(container)) return ' (a member of the Set)';
  return typeof key === 'string' && /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
