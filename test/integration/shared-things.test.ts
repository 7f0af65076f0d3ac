import assert from 'node:assert/strict';
import { createSecretKey, type KeyObject, webcrypto } from 'node:crypto';
import test from 'node:test';
import { get, kill, put, remote } from 'mobula';
import { ObjectRef, RefBlock } from '../../src/core/refs/object-ref.ts';
import { SharedThings, type ThingHost } from '../../src/core/values/shared-things.ts';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

// The threads of libuv that keys need stay until the process ends, and are none of ours.
await webcrypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
suite();

interface Wasm {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: { readonly answer: () => number } };
}
const { WebAssembly: wasm } = globalThis as never as { WebAssembly: Wasm };
// (module (func (export "answer") (result i32) i32.const 42))
const code = Buffer.from('AGFzbQEAAAABBQFgAAF/AwIBAAcKAQZhbnN3ZXIAAAoGAQQAQSoL', 'base64');

test('a WebAssembly.Module is used by tasks, alone and inside values, and comes back', limit, async () => {
  const module = new wasm.Module(code);
  const run = remote((given: { module: object }) => {
    const { WebAssembly: here } = globalThis as never as { WebAssembly: Wasm };
    return [new here.Instance(given.module).exports.answer(), given.module] as const;
  });
  const stored = put({ module });
  for (const argument of [{ module }, stored] as never[]) {
    const [answer, back] = await get(run.remote(argument));
    assert.equal(answer, 42);
    assert.equal(new wasm.Instance(back).exports.answer(), 42);
  }
});

test('growable shared memory stays shared, and views of it follow its length', limit, async () => {
  type Growable = SharedArrayBuffer & { grow(length: number): void };
  const Memory = SharedArrayBuffer as unknown as new (length: number, options: object) => Growable;
  const memory = new Memory(8, { maxByteLength: 64 });
  const view = new Uint8Array(memory);
  const grow = remote((given: Uint8Array) => {
    (given.buffer as unknown as { grow(length: number): void }).grow(32);
    given[20] = 7;
    return given.length;
  });
  assert.equal(await get(grow.remote(view)), 32);
  assert.deepEqual([view.length, view[20]], [32, 7]);
});

test('memory that one task shares reaches threads that start later', limit, async () => {
  const make = remote(() => new Int32Array(new SharedArrayBuffer(4)));
  const memory = await get(make.remote());
  const Counter = remote(
    class {
      add(counter: Int32Array): number {
        return Atomics.add(counter, 0, 1);
      }
    },
  );
  for (let i = 0; i < 3; i++) {
    const counter = Counter.options({ numCpus: 0, isolation: 'thread' }).remote();
    assert.equal(await get(counter.add.remote(memory)), i);
  }
  assert.equal(memory[0], 3);
});

const describe = remote(async (given: { thing: Blob }[]) => {
  const [first] = given;
  return first === undefined
    ? 'none'
    : [first.thing.constructor.name, first.thing.type, await first.thing.text()].join();
});

test('a Blob goes to tasks, comes back from tasks, and outlives the thread that made it', limit, async () => {
  const thing = new Blob(['some ', 'text'], { type: 'text/plain' });
  assert.equal(await get(describe.remote([{ thing }])), 'Blob,text/plain,some text');
  const stored = put([{ thing }]);
  const all = await Promise.all(Array.from({ length: 20 }, () => get(describe.remote(stored))));
  assert.deepEqual(new Set(all), new Set(['Blob,text/plain,some text']));
  assert.equal(await ((await get(stored))[0] as { thing: Blob }).thing.text(), 'some text');

  const Maker = remote(
    class {
      make(n: number): { thing: Blob }[] {
        return [{ thing: new Blob([`made ${n}`]) }];
      }
    },
  );
  const maker = Maker.options({ numCpus: 0, isolation: 'thread' }).remote();
  const refs = [1, 2, 3].map((n) => maker.make.remote(n));
  await get(refs[0] as (typeof refs)[0]);
  const passed = refs.map((ref) => describe.remote(ref));
  assert.deepEqual(await get(passed), ['Blob,,made 1', 'Blob,,made 2', 'Blob,,made 3']);
  await kill(maker, { noRestart: true });
  assert.deepEqual(await Promise.all((await get(refs)).map(([made]) => made?.thing.text())), [
    'made 1',
    'made 2',
    'made 3',
  ]);
});

test('a File keeps its name, and an error its Blob', limit, async () => {
  const tell = remote(async (file: File) => {
    const body = new Blob([`${file.name} ${file.lastModified} ${file.type} ${await file.text()}`]);
    throw Object.assign(new RangeError('told'), { body, file });
  });
  const file = new File(['inside'], 'name.txt', { type: 'text/plain', lastModified: 12 });
  const error = (await get(tell.remote(file)).catch((thrown: unknown) => thrown)) as Error;
  assert.ok(error instanceof RangeError);
  const { body, file: back } = error.cause as { body: Blob; file: File };
  assert.equal(await body.text(), 'name.txt 12 text/plain inside');
  assert.ok(back instanceof File);
  assert.deepEqual([back.name, back.lastModified, back.size], ['name.txt', 12, 6]);
});

test('keys reach a task', limit, async () => {
  const secret = createSecretKey(Buffer.from('0123456789abcdef'));
  const key = await webcrypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const use = remote(async (given: { secret: KeyObject; key: webcrypto.CryptoKey }) => {
    const { subtle } = globalThis.crypto;
    const signed = await subtle.sign('HMAC', given.key, Buffer.from('text'));
    return [given.secret.export().toString(), Buffer.from(signed).toString('hex'), given.secret] as const;
  });
  const [text, signature, back] = await get(use.remote({ secret, key }));
  assert.equal(text, '0123456789abcdef');
  const here = await webcrypto.subtle.sign('HMAC', key, Buffer.from('text'));
  assert.equal(signature, Buffer.from(here).toString('hex'));
  assert.ok(secret.equals(back));
});

test('what only looks like something threads share is refused', limit, () => {
  const Fake = class Blob {
    size = 1;
  };
  class Derived extends Blob {}
  const added = Object.assign(new Blob(['a']), { extra: 1 });
  for (const thing of [new Fake(), new Derived([]), added, new MessageChannel().port1, new URL('a:b'), new Headers()]) {
    assert.throws(() => put({ list: [thing] }), { code: 'ERR_MOBULA_SERIALIZATION', path: 'value.list[0]' });
  }
});

/** A core in which objects live as long as the test says. */
function host(): ThingHost & { readonly generations: number[]; readonly released: number[] } {
  const generations: number[] = [];
  const released: number[] = [];
  const owner = {
    release: (index: number) => released.push(index),
    nameOf: () => '',
    isThere: () => true,
    isRecoverable: () => false,
    weigh: () => undefined,
    closed: false,
  };
  return {
    nodeId: 'node',
    generations,
    released,
    hold() {
      const index = generations.push(0) - 1;
      return ObjectRef.of(owner, new RefBlock([index], false), index);
    },
    generation: (index) => generations[index] as number,
  };
}

test('things are forgotten when the objects that stand for them are gone', limit, async () => {
  const core = host();
  const [one, two] = [new SharedThings(), new SharedThings()];
  one.begin(core, []);
  two.begin({ ...core }, []);
  try {
    const memory = new SharedArrayBuffer(4);
    const index = one.share(memory);
    assert.equal(one.share(memory), index, 'it is shared once');
    new Uint8Array(memory)[0] = 9;
    const found = two.find(index, core.hold()) as SharedArrayBuffer;
    assert.equal(new Uint8Array(found)[0], 9);
    assert.equal(one.all().length, 1);
    await until(
      () => core.released.includes(index),
      () => 'the reference of the thread that shared it was not given back',
    );
    assert.equal(one.size, 1, 'a value may need it still');
    // The core has freed the object, and used its place again.
    core.generations[index] = 1;
    assert.throws(() => two.find(index, core.hold()), { code: 'ERR_MOBULA_OBJECT_LOST' });
    await until(
      () => one.size + two.size === 0,
      () => `${one.size} and ${two.size} things are left`,
    );
    assert.notEqual(one.share(memory), index, 'it is shared anew');
  } finally {
    one.close();
    two.close();
  }
});
