import assert from 'node:assert/strict';
import test from 'node:test';
import { decode, decodeBytes, encode, encodeToBytes, type Portable, portable } from '../../../src/store/codec/index.ts';
import { decodeHooks, encodeHooks, restlessWriter } from './support.ts';

class Ref {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

class Handle implements Portable {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  [portable](): readonly [number, unknown] {
    return [300, { name: this.name, deep: [this.name] }];
  }
}

const sends = { isRef: (value: object) => value instanceof Ref, refIndex: (value: object) => (value as Ref).index };

test('refs travel by index, in order, and the same ref twice is one', () => {
  const [a, b] = [new Ref(7), new Ref(4_294_967_295)];
  const encoded = encodeToBytes({ a, list: [b, a], map: new Map([[b, 1]]) }, sends);
  assert.deepEqual(encoded.refs, [7, 4_294_967_295]);
  const asked: number[] = [];
  const copy = decodeBytes(encoded, {
    ref(index) {
      asked.push(index);
      return new Ref(index);
    },
  }) as { a: Ref; list: Ref[] };
  assert.deepEqual(asked, [7, 4_294_967_295]);
  assert.equal(copy.list[1], copy.a);
});

test('an error of a hook reaches the caller as it is', () => {
  const refIndex = (): never => {
    throw new TypeError('released');
  };
  assert.throws(() => encodeToBytes([new Ref(1)], { ...sends, refIndex }), { name: 'TypeError', message: 'released' });
});

test('handles travel by kind and payload, identity kept', () => {
  const handle = new Handle('h');
  const action = Object.assign(() => 1, { [portable]: () => [1, 'act'] as const });
  const plain = { [portable]: () => [2, undefined] as const };
  const proxied = new Proxy(handle, {});
  const copy = decodeBytes(encodeToBytes([handle, action, handle, action, plain, proxied, { x: 1 }, {}]), {
    revive: (kind, payload) => ({ kind, payload }),
  }) as unknown[];
  assert.deepStrictEqual(copy[0], { kind: 300, payload: { name: 'h', deep: ['h'] } });
  assert.deepStrictEqual(copy[1], { kind: 1, payload: 'act' });
  assert.equal(copy[2], copy[0]);
  assert.equal(copy[3], copy[1]);
  assert.deepStrictEqual(copy.slice(4), [{ kind: 2, payload: undefined }, copy[0], { x: 1 }, {}]);
});

test('a handle alone is a value too', () => {
  const revive = (kind: number): number => kind;
  assert.equal(decodeBytes(encodeToBytes(new Handle('h')), { revive }), 300);
  assert.equal(
    decodeBytes(encodeToBytes(Object.assign(() => 1, { [portable]: () => [5, 1] as const })), { revive }),
    5,
  );
});

test('a hook may decode another value meanwhile', () => {
  const inner = encodeToBytes({ inner: [1, { a: 2 }] });
  const copy = decodeBytes(encodeToBytes([new Handle('h'), { after: 'b' }]), { revive: () => decodeBytes(inner) });
  assert.deepStrictEqual(copy, [{ inner: [1, { a: 2 }] }, { after: 'b' }]);
});

test('values written one after the other are read each from its own place, wherever growing moved them', () => {
  const shared = { s: 1 };
  const values = [
    1,
    undefined,
    'text',
    [1, 2.5],
    { a: [shared, shared] },
    Buffer.from('bytes'),
    'x'.repeat(300),
    'é日'.repeat(100),
    [new Uint8Array(100).fill(7), Array.from({ length: 50 }, (_, i) => i / 3)],
    -5n,
    new Map([['k', new Error('e')]]),
    Array.from({ length: 100 }, (_, id) => ({ id, name: `n${id}`, shared })),
  ];
  const hooks = encodeHooks();
  const back = decodeHooks({ shapes: hooks.shapes });
  for (let k = 0; k < 20; k++) {
    const writer = restlessWriter();
    const lengths = values.map((value) => {
      const start = writer.pos - writer.moved;
      encode(writer, value, hooks, 'value');
      return writer.pos - writer.moved - start;
    });
    let pos = writer.moved;
    for (const [i, length] of lengths.entries()) {
      assert.deepStrictEqual(decode(writer.bytes, writer.view, pos, pos + length, back), values[i]);
      pos += length;
    }
    assert.equal(pos, writer.pos);
  }
});
