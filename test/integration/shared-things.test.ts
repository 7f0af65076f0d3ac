import assert from 'node:assert/strict';
import test from 'node:test';
import { get, put, remote } from 'mobula';
import { ObjectRef, RefBlock } from '../../src/core/refs/object-ref.ts';
import { SharedThings, type ThingHost } from '../../src/core/values/shared-things.ts';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

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

/** A core in which objects live as long as the test says. */
function host(): ThingHost & { readonly generations: number[]; readonly released: number[] } {
  const generations: number[] = [];
  const released: number[] = [];
  const owner = { release: (index: number) => released.push(index), nameOf: () => '' };
  return {
    nodeId: 'node',
    generations,
    released,
    hold() {
      const index = generations.push(0) - 1;
      return new ObjectRef<unknown>(owner, new RefBlock([index]), index);
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
