// What encoding and decoding one value costs, in ns, beside structuredClone and v8.serialize.
// node bench/node/codec.mjs [folder of the compiled sources, default dist]
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import v8 from 'node:v8';

const dist = resolve(process.argv[2] ?? 'dist');
const { decode, encode, LocalShapeTable, Writer } = await import(pathToFileURL(`${dist}/store/codec/index.js`).href);

const REPEATS = 15;
const REPEAT_NS = 8e6;
const COPIES = 64;

/** Distinct copies of each value, so that nothing is answered from having seen the very same object. */
const cases = {
  undefined: () => undefined,
  1: () => 1,
  '[1, 2.5]': () => [1, 2.5],
  '5 fields': (i) => ({ id: 1234 + i, name: 'abc', x: 0.5, ok: true, tags: ['a', 'b'] }),
  '100 numbers': (i) => Array.from({ length: 100 }, (_, k) => (k + i) * 1.5),
  '100 small ints': (i) => Array.from({ length: 100 }, (_, k) => (k + i) % 100),
  '1 kB string': (i) => 'abcdefghij'.repeat(102) + String(1000 + i),
  '100 rows': (i) => Array.from({ length: 100 }, (_, k) => ({ id: k + i, name: 'abc', score: k * 0.5 })),
  '1 kB Buffer': (i) => Buffer.alloc(1024, i),
};

const memory = new Uint8Array(new SharedArrayBuffer(1 << 20));
const writer = new Writer(memory, () => {
  throw new Error('full');
});
const shapes = new LocalShapeTable();
const none = () => {
  throw new Error('not in this benchmark');
};
const hooks = {
  shapes,
  outOfBandBytes: 1 << 16,
  isRef: () => false,
  refIndex: none,
  shareBuffer: none,
  ref: none,
  revive: none,
  sharedBuffer: none,
  buffer: none,
};

const contenders = Object.entries(cases).flatMap(([name, make]) => {
  const values = Array.from({ length: COPIES }, (_, i) => make(i));
  const ends = [];
  const encodeAll = () => {
    writer.pos = 0;
    for (let i = 0; i < COPIES; i++) {
      encode(writer, values[i], hooks, 'value');
      ends[i] = writer.pos;
    }
  };
  // Decoding reads what encoding left behind, some rounds after shapes were learnt.
  for (let k = 0; k < 4; k++) encodeAll();
  const encoded = memory.slice(0, writer.pos);
  const bytes = new Uint8Array(new SharedArrayBuffer(Math.max(1, encoded.length)));
  bytes.set(encoded);
  const view = new DataView(bytes.buffer);
  const places = ends.slice();
  const serialized = values.map((value) => v8.serialize(value));
  const each = (f) => () => {
    for (let i = 0; i < COPIES; i++) f(i);
  };
  const runs = {
    encode: encodeAll,
    decode: each((i) => decode(bytes, view, i === 0 ? 0 : places[i - 1], places[i], hooks)),
    clone: each((i) => structuredClone(values[i])),
    serialize: each((i) => v8.serialize(values[i])),
    deserialize: each((i) => v8.deserialize(serialized[i])),
  };
  return Object.entries(runs).map(([what, run]) => ({ name, what, run, samples: [], rounds: 1 }));
});

function time(run, rounds) {
  const start = process.hrtime.bigint();
  for (let k = 0; k < rounds; k++) run();
  return Number(process.hrtime.bigint() - start);
}

for (const contender of contenders) {
  for (const until = performance.now() + 30; performance.now() < until; ) contender.run();
  contender.rounds = Math.max(1, Math.round((REPEAT_NS * 10) / time(contender.run, 10)));
}
for (let k = 0; k < REPEATS; k++) {
  for (const contender of contenders) {
    contender.samples.push(time(contender.run, contender.rounds) / contender.rounds / COPIES);
  }
}

const median = (samples) => samples.sort((a, b) => a - b)[samples.length >> 1];
const columns = ['encode', 'decode', 'clone', 'serialize', 'deserialize'];
console.log(`Node ${process.version}, ns per value, median of ${REPEATS} interleaved repeats`);
console.log(['value'.padEnd(16), ...columns.map((column) => column.padStart(12))].join(''));
for (const name of Object.keys(cases)) {
  const figures = columns.map((column) => {
    const { samples } = contenders.find((contender) => contender.name === name && contender.what === column);
    return median(samples).toFixed(1).padStart(12);
  });
  console.log([name.padEnd(16), ...figures].join(''));
}
