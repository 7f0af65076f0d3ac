// Every kind of value, on each way that a value can go: as an argument, as a captured constant, as a result, through put().
import { get, put, remote } from 'mobula';
import { may, must, type Program } from '../inside/program.ts';

/** Makes the value; it uses nothing around it, so that a worker can make it too. */
type Make = () => unknown;

const values: Record<string, Make> = {
  undefined: () => undefined,
  null: () => null,
  booleans: () => [true, false],
  integers: () => [0, 1, -1, 127, 128, 255, 256, -32, -33, 65535, 65536, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1],
  'negative zero': () => [-0, 0, [-0], { z: -0 }],
  'NaN and infinities': () => [Number.NaN, Infinity, -Infinity],
  fractions: () => [0.1, 1 / 3, Number.MIN_VALUE, Number.MAX_VALUE, -1.5e-300],
  'an array of numbers': () => Array.from({ length: 100 }, (_, i) => i / 2),
  'an array of integers with -0': () => [1, 2, -0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
  BigInts: () => [0n, 1n, -1n, 2n ** 64n, -(2n ** 200n), 255n, 256n],
  'an empty string': () => '',
  'ASCII text': () => 'plain text',
  'Latin-1 text': () => 'äöü ÿ',
  'text above Latin-1': () => 'Ā 日本 👍',
  'lone surrogates': () => ['\ud800', 'a\udc00b', '\udbff\udbff'],
  'text with zeros': () => 'a\0b',
  'long texts': () => ['x'.repeat(40), 'x'.repeat(5000), 'ü'.repeat(5000), '日'.repeat(5000)],
  'a text of 300 KB': () => 'abc'.repeat(100_000),
  'a registered symbol as a key is left behind by structured clone': () => ({ a: 1 }),
  'an empty array': () => [],
  'an empty object': () => ({}),
  'nested arrays': () => [1, [2, [3, [4]]], []],
  'an array with holes': () => [1, , 3, , ,],
  'an array of holes': () => new Array(5),
  'an array with a far index': () => {
    const list: number[] = [];
    list[1000] = 1;
    return list;
  },
  'an array with other keys': () => Object.assign([1, 2], { extra: 'x', '-1': 'minus' }),
  'an array of undefined': () => [undefined, undefined],
  'a nested object': () => ({ a: { b: { c: { d: [1, { e: 2 }] } } } }),
  'an object with undefined': () => ({ a: undefined, b: null }),
  'the order of keys': () => ({ b: 1, a: 2, 10: 'x', 9: 'y', c: 3 }),
  'strange keys': () => ({ '': 1, ' ': 2, 'ü': 3, '日': 4, constructor: 5, toString: 6, then: 7, length: 8 }),
  'the key __proto__': () => JSON.parse('{"__proto__":{"a":1},"b":2}'),
  'many keys': () => Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`key${i}`, i])),
  'many objects of one shape': () => Array.from({ length: 50 }, (_, i) => ({ id: i, name: `n${i}`, on: i % 2 === 0 })),
  'an object without a prototype': () => Object.assign(Object.create(null), { a: 1 }),
  'a frozen object': () => Object.freeze({ a: Object.freeze([1]) }),
  'an object with a getter': () => ({
    get a() {
      return 1;
    },
  }),
  'a property that is not enumerable': () => Object.defineProperty({ a: 1 }, 'hidden', { value: 2 }),
  'shared identity': () => {
    const shared = { n: 1 };
    return { a: shared, b: [shared, shared], c: new Map([[shared, shared]]) };
  },
  'a cycle': () => {
    const ring: any = { name: 'ring', list: [] };
    ring.self = ring;
    ring.list.push(ring, ring.list);
    return ring;
  },
  'a cycle through Map and Set': () => {
    const map = new Map<unknown, unknown>();
    const set = new Set<unknown>([map]);
    map.set('set', set).set(map, map);
    return map;
  },
  'one string many times': () => Array.from({ length: 20 }, () => 'the same long text, again and again'),
  'deep nesting': () => {
    let deep: any = { end: true };
    for (let i = 0; i < 400; i++) deep = { deep };
    return deep;
  },
  'a Map': () => new Map<unknown, unknown>([['a', 1], [2, 'b'], [null, undefined], [{ k: 1 }, [1]], [Number.NaN, -0]]),
  'the order of a Map': () => new Map([[3, 'c'], [1, 'a'], [2, 'b']]),
  'an empty Map and Set': () => [new Map(), new Set()],
  'a Map of Maps': () => new Map([['a', new Map([['b', new Set([1])]])]]),
  'a Set': () => new Set<unknown>([1, 'a', null, Number.NaN, { k: 1 }, [1]]),
  Dates: () => [new Date(0), new Date(-1), new Date(8.64e15), new Date('2020-02-29T12:00:00Z')],
  'an invalid Date': () => new Date(Number.NaN),
  RegExps: () => [/a/, /[/\]]+/gimsuy, new RegExp('/'), new RegExp(''), /\n\u{1F600}/u, /(?<name>x)/d],
  'boxed primitives': () => [Object(1), Object('text'), Object(true), Object(5n), Object(-0)],
  'an ArrayBuffer': () => new Uint8Array([1, 2, 3]).buffer,
  'an empty ArrayBuffer': () => new ArrayBuffer(0),
  'every typed array': () => [
    new Int8Array([-1, 2]),
    new Uint8Array([1, 255]),
    new Uint8ClampedArray([300, -5]),
    new Int16Array([-1, 2]),
    new Uint16Array([1, 65535]),
    new Int32Array([-1, 2]),
    new Uint32Array([1, 2 ** 32 - 1]),
    new Float32Array([0.5, -0]),
    new Float64Array([1 / 3, Number.NaN]),
    new BigInt64Array([-1n, 2n]),
    new BigUint64Array([2n ** 64n - 1n]),
  ],
  'empty typed arrays': () => [new Float64Array(0), new Uint8Array(0), Buffer.alloc(0)],
  'a typed array of 1 MB': () => new Float64Array(131_072).map((_, i) => i),
  'a part of a typed array': () => new Float64Array([1, 2, 3, 4]).subarray(1, 3),
  'two views of one buffer': () => {
    const { buffer } = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
    return { bytes: new Uint8Array(buffer), words: new Uint16Array(buffer, 2, 2), buffer };
  },
  'one view in two places': () => {
    const view = new Uint8Array([1, 2]);
    return [view, view];
  },
  'a DataView': () => new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2),
  Buffers: () => [Buffer.from('text'), Buffer.alloc(3, 7), Buffer.from([1, 2, 3]).subarray(1)],
  'a Buffer of 200 KB': () => Buffer.alloc(200_000, 'ab'),
  'a resizable buffer': () => {
    const buffer = new (ArrayBuffer as any)(8, { maxByteLength: 64 });
    new Uint8Array(buffer).set([1, 2, 3]);
    return buffer;
  },
  'a view that follows a resizable buffer': () => {
    const buffer = new (ArrayBuffer as any)(8, { maxByteLength: 64 });
    return new Uint8Array(buffer);
  },
  'a view of fixed length of a resizable buffer': () => {
    const buffer = new (ArrayBuffer as any)(8, { maxByteLength: 64 });
    return new Uint8Array(buffer, 0, 4);
  },
  'an Error': () => new Error('message'),
  'every class of Error': () => [
    new Error('e'),
    new EvalError('ev'),
    new RangeError('ra'),
    new ReferenceError('re'),
    new SyntaxError('sy'),
    new TypeError('ty'),
    new URIError('ur'),
  ],
  'an Error with a cause': () => new Error('outer', { cause: new TypeError('inner', { cause: { code: 1 } }) }),
  'an Error with a cause that is undefined': () => new Error('outer', { cause: undefined }),
  'an Error with properties': () => Object.assign(new Error('e'), { code: 'E_X', status: 404, details: { list: [1] }, nothing: undefined }),
  'an Error with another name': () => Object.assign(new Error('e'), { name: 'HttpError' }),
  'an Error without a message': () => new Error(),
  'an Error that is its own cause': () => {
    const error: any = new Error('ring');
    error.cause = error;
    return error;
  },
  'an AggregateError': () => new AggregateError([new Error('a'), 'b', new RangeError('c')], 'several'),
  'an empty AggregateError': () => new AggregateError([]),
  'a DOMException': () => new DOMException('no', 'AbortError'),
  'errors in data': () => ({ errors: [new TypeError('a')], map: new Map([['e', new RangeError('b')]]) }),
  'one Error in two places': () => {
    const error = new Error('twice');
    return [error, { error }];
  },
  'arrays of arrays of numbers': () => [[1.5, 2.5], [3.5], []],
  'mixed data as of an application': () => ({
    id: 12n,
    tags: new Set(['a', 'b']),
    at: new Date(1e12),
    body: Buffer.from('body'),
    meta: new Map<string, unknown>([['k', { deep: [null, undefined, -0] }]]),
    pattern: /x/g,
    error: new TypeError('t'),
  }),
};

const refused: Record<string, { readonly make: Make; readonly names: string }> = {
  'a function': { make: () => () => 1, names: '' },
  'a function in an object': { make: () => ({ callback: () => 1 }), names: 'callback' },
  'a class': { make: () => class A {}, names: '' },
  'a symbol': { make: () => Symbol('x'), names: '' },
  'a symbol in an array': { make: () => [1, Symbol('x')], names: '[1]' },
  'an instance': { make: () => new (class Thing { a = 1; })(), names: '' },
  'an instance in a Map': { make: () => new Map([['k', new (class Thing {})()]]), names: '' },
  'a property keyed by a symbol': { make: () => ({ a: 1, [Symbol('s')]: 2 }), names: '' },
  'a Promise': { make: () => ({ promise: Promise.resolve(1) }), names: 'promise' },
  'a WeakMap': { make: () => ({ weak: new WeakMap() }), names: 'weak' },
  'a WeakRef': { make: () => ({ weak: new WeakRef({}) }), names: 'weak' },
  'a generator': { make: () => ({ items: (function* () {})() }), names: 'items' },
  'an iterator': { make: () => ({ items: [1].values() }), names: 'items' },
  'a Proxy': { make: () => new Proxy({ a: 1 }, {}), names: '' },
  'a Proxy of an array, in a Map': { make: () => new Map([['k', new Proxy([1], {})]]), names: '' },
  'a Proxy of an instance': { make: () => ({ proxy: new Proxy(new (class Thing {})(), {}) }), names: 'proxy' },
  'a subclass of Map': { make: () => new (class Special extends Map {})(), names: '' },
  'a subclass of Array': { make: () => new (class Special extends Array {})(), names: '' },
  'a subclass of Uint8Array': { make: () => new (class Special extends Uint8Array {})(2), names: '' },
  'a Map with a property': { make: () => Object.assign(new Map([[1, 2]]), { extra: 1 }), names: '' },
  'a Date with a property': { make: () => Object.assign(new Date(5), { extra: 1 }), names: '' },
  'a typed array with a property': { make: () => Object.assign(new Uint8Array(2), { extra: 1 }), names: '' },
  'an URL': { make: () => new URL('http://x/y'), names: '' },
  'an AbortSignal': { make: () => new AbortController().signal, names: '' },
  'an EventTarget': { make: () => new EventTarget(), names: '' },
  'a MessagePort': { make: () => ({ channel: new MessageChannel() }), names: 'channel' },
  'a Blob': { make: () => new Blob(['text']), names: '' },
  'a WebAssembly.Module': { make: () => new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])), names: '' },
  'an Intl formatter': { make: () => new Intl.NumberFormat('en'), names: '' },
  'global objects': { make: () => ({ math: Math }), names: 'math' },
  'an object with a prototype of its own': { make: () => Object.create({ inherited: 1 }, { own: { value: 1, enumerable: true } }), names: '' },
  'an array with a function': { make: () => [1, [() => 1]], names: '[1][0]' },
  'an Error with a function': { make: () => Object.assign(new Error('e'), { retry: () => 1 }), names: '' },
  'a value nested 5 000 levels deep': {
    make: () => {
      let deep: any = 0;
      for (let i = 0; i < 5000; i++) deep = [deep];
      return deep;
    },
    names: '',
  },
};

const echo = (value: unknown) => value;
const remoteEcho = remote(echo);
const remoteWrapped = remote(({ inside }: any) => [inside]);

export const programs: Program[] = [
  ...Object.entries(values).flatMap(([name, make]) => [
    must(`argument: ${name}`, (call) => call(echo, make())),
    must(`result: ${name}`, (call) => call(make as any)),
    must(`captured: ${name}`, (call) => {
      const value = make();
      return call(() => value);
    }),
    must(`put: ${name}`, (call) => (call.remotely ? get(remoteEcho.remote(put(make()) as any)) : make())),
    must(`nested in an argument: ${name}`, (call) =>
      call.remotely ? get(remoteWrapped.remote({ inside: make() })) : [make()]),
  ]),
  ...Object.entries(refused).flatMap(([name, { make, names }]) => [
    may(`argument: ${name}`, (call) => call(() => 'arrived', make()), `args[0]${names.startsWith('[') || names === '' ? names : `.${names}`}`),
    may(`nested argument: ${name}`, (call) => call((value: any) => Object.keys(value), { a: 1, inside: make() }), 'inside'),
    may(`result: ${name}`, (call) => call(make as any)),
    may(`put: ${name}`, async (call) => (call.remotely ? get(put(make())) : make())),
    may(`captured: ${name}`, (call) => {
      const captured = make();
      return call(() => (typeof captured === 'object' ? captured : typeof captured));
    }),
  ]),
  must('many arguments', (call) => call((...args: unknown[]) => args, 1, 'a', null, undefined, [1], { a: 1 }, -0, 5n)),
  must('one object in two arguments', (call) => {
    const shared = { n: 1 };
    return call((a: object, b: object) => [a === b, a], shared, shared);
  }),
  must('an argument that the function changes', (call) => call((list: number[]) => { list.push(4); return list; }, [1, 2, 3])),
  must('a typed array that the function changes', (call) => call((list: Float64Array) => { list[0] = 9; return list; }, new Float64Array([1, 2]))),
  must('a large array that the function changes', (call) =>
    call((list: Float64Array) => { list[0] = 9; return [list[0], list.length]; }, new Float64Array(100_000))),
  must('a shared array, written in the worker', async (call) => {
    const shared = new Int32Array(new SharedArrayBuffer(8));
    const seen = await call((view: Int32Array) => Atomics.add(view, 1, 5), shared);
    return [seen, shared[1]];
  }),
  must('a captured shared array, written in the worker', async (call) => {
    const shared = new Int32Array(new SharedArrayBuffer(8));
    const seen = await call(() => Atomics.add(shared, 0, 7));
    return [seen, shared[0]];
  }),
  must('the same result twice', async (call) => {
    const make = () => ({ list: [1, { a: 2 }] });
    return [await call(make), await call(make)];
  }),
  must('results of many shapes, one after the other', async (call) => {
    const shape = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, i]));
    const results: unknown[] = [];
    for (let n = 0; n < 40; n++) results.push(await call(shape, n));
    return results;
  }),
  must('one shape many times', async (call) => {
    const make = (n: number) => ({ id: n, name: `n${n}`, nested: { id: n } });
    const results: unknown[] = [];
    for (let n = 0; n < 20; n++) results.push(await call(make, n));
    return results;
  }),
];
