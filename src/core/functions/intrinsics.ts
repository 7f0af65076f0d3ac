import { promisify, types } from 'node:util';
import { promisedMember, type ShippedIntrinsic } from './shipped.ts';

/** Modules whose exports are looked through for a function that Node made. None of them warns or starts anything when it is loaded. */
const modules = [
  'node:assert',
  'node:async_hooks',
  'node:buffer',
  'node:child_process',
  'node:crypto',
  'node:dns',
  'node:events',
  'node:fs',
  'node:fs/promises',
  'node:http',
  'node:https',
  'node:module',
  'node:net',
  'node:os',
  'node:path',
  'node:perf_hooks',
  'node:process',
  'node:querystring',
  'node:stream',
  'node:stream/promises',
  'node:string_decoder',
  'node:timers',
  'node:timers/promises',
  'node:tls',
  'node:url',
  'node:util',
  'node:v8',
  'node:vm',
  'node:worker_threads',
  'node:zlib',
];

/** Globals of the language. Node's own are left out: merely looking at some of them loads a large part of Node. */
const languageGlobals =
  'AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date DisposableStack Error ' +
  'EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function Int16Array Int32Array Int8Array Intl Iterator JSON Map Math Number ' +
  'Object Promise Proxy RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer String SuppressedError Symbol SyntaxError Temporal TypeError ' +
  'URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly decodeURI decodeURIComponent encodeURI ' +
  'encodeURIComponent escape eval isFinite isNaN parseFloat parseInt unescape';

type Table = Map<unknown, ShippedIntrinsic>;

let globals: Table | undefined;
let builtins: Table | undefined;

/** How a worker finds its own twin of a function or object that belongs to the language or to Node, if `value` is one. */
export function findIntrinsic(value: object): ShippedIntrinsic | undefined {
  const ofProcess = findOfProcess(value);
  if (ofProcess !== undefined || isOrdinary(value)) return ofProcess;
  globals ??= buildGlobals();
  return globals.get(value);
}

/** Objects of the language are functions, prototypes or tagged; most captured data is not, and needs no table. */
function isOrdinary(value: object): boolean {
  if (typeof value === 'function') return false;
  return types.isProxy(value) || !(Object.hasOwn(value, 'constructor') || Symbol.toStringTag in value);
}

/** The same for functions whose code is Node's own. */
export function findBuiltin(value: object): ShippedIntrinsic | undefined {
  builtins ??= buildBuiltins();
  return builtins.get(value);
}

let loaded = new Map<unknown, ShippedIntrinsic>();
let counted = 0;

/** The same for a built-in module as a whole, of those that are loaded: bundled code keeps them in variables. */
export function findModule(value: object): ShippedIntrinsic | undefined {
  const list = Reflect.get(process, 'moduleLoadList') as readonly string[];
  if (list.length !== counted) {
    counted = list.length;
    const there = modules.filter((module) => list.includes(`NativeModule ${module.slice('node:'.length)}`));
    loaded = new Map(
      there.map((module) => [process.getBuiltinModule(module), { kind: 'intrinsic', module, path: [] } as const]),
    );
  }
  return loaded.get(value);
}

function buildGlobals(): Table {
  const table: Table = new Map([[globalThis, { kind: 'intrinsic', module: undefined, path: [] }]]);
  for (const name of languageGlobals.split(' ')) {
    const value: unknown = Reflect.get(globalThis, name);
    if (isObject(value) && belongsToLanguage(value)) addTree(table, value, [name], 2);
  }
  for (const name of ['process', 'console']) addTree(table, Reflect.get(globalThis, name), [name], 1);
  return table;
}

type Entries = [name: string, property: PropertyDescriptor][];

function buildBuiltins(): Table {
  const table: Table = new Map();
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const value: unknown = Object.getOwnPropertyDescriptor(globalThis, name)?.value;
    if (typeof value === 'function') addTree(table, value, [name], 2);
  }
  for (const module of modules) {
    const value: unknown = process.getBuiltinModule(module);
    if (!isObject(value)) continue;
    addTree(table, value, [], 1, module);
    addMembers(table, value, module);
  }
  return table;
}

/** The same for objects of `process` that cannot be copied. */
function findOfProcess(value: object): ShippedIntrinsic | undefined {
  const ofProcess = (name: string): ShippedIntrinsic => ({
    kind: 'intrinsic',
    module: undefined,
    path: ['process', name],
  });
  if (value === process.env) return ofProcess('env');
  if (typeof value === 'function' || !('_writableState' in value || '_readableState' in value)) return undefined;
  // Looking at one of them makes it.
  const { fd } = value as { readonly fd?: unknown };
  const name = fd === 0 ? 'stdin' : fd === 1 ? 'stdout' : fd === 2 ? 'stderr' : undefined;
  return name !== undefined && Object.is(process[name], value) ? ofProcess(name) : undefined;
}

/** Adds what hangs on the functions of a module: `process.hrtime.bigint`, and what `promisify(exec)` gives. */
function addMembers(table: Table, value: object, module: string): void {
  const add = (member: unknown, path: readonly string[]): void => {
    if (typeof member === 'function' && !table.has(member)) table.set(member, { kind: 'intrinsic', module, path });
  };
  for (const [name, { value: child }] of Object.entries(Object.getOwnPropertyDescriptors(value)) as Entries) {
    if (typeof child !== 'function') continue;
    const members = Object.entries(Object.getOwnPropertyDescriptors(child)) as Entries;
    for (const [key, { value: member }] of members) add(member, [name, key]);
    add(Object.getOwnPropertyDescriptor(child, promisify.custom)?.value, [name, promisedMember]);
  }
}

/** Adds `value` and what hangs on it; what was found by a shorter way stays. */
function addTree(table: Table, value: object, path: readonly string[], depth: number, module?: string): void {
  if (table.has(value)) return;
  table.set(value, { kind: 'intrinsic', module, path });
  if (depth === 0) return;
  for (const name of Object.getOwnPropertyNames(value)) {
    const child: unknown = Object.getOwnPropertyDescriptor(value, name)?.value;
    const plain = typeof child === 'function' || name === 'prototype' || module !== undefined;
    if (isObject(child) && plain && name !== 'constructor') addTree(table, child, [...path, name], depth - 1, module);
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Objects a user put on the global object are not in a worker's. */
function belongsToLanguage(value: object): boolean {
  if (typeof value === 'function') return isNativeText(Function.prototype.toString.call(value));
  return (
    typeof Reflect.get(value, Symbol.toStringTag) === 'string' &&
    Object.getPrototypeOf(Object.getPrototypeOf(value)) === null
  );
}

/** Whether a function's text is V8's stand-in for code that is not JavaScript. */
export function isNativeText(text: string): boolean {
  return /\{\s*\[native code\]\s*\}$/.test(text);
}
