import assert from 'node:assert/strict';
import test from 'node:test';
import { type CaptureHost, captureFunction, reviveFunction } from '../../../src/core/functions/index.ts';
import type { ShippedFunction } from '../../../src/core/functions/shipped.ts';
import { keepWrapper, wrapperFor } from '../../../src/core/functions/wrappers.ts';

// Each closure was compiled by itself in each thread, and each function of `new Function` had V8 list all scripts.
const host: CaptureHost = {
  isPortable: () => false,
  findOwn: () => undefined,
  ownModule: () => undefined,
  checkValue: (value) => void structuredClone(value),
};

function shipped(fn: (...args: never[]) => unknown): ShippedFunction {
  return structuredClone(captureFunction(fn, host)) as ShippedFunction;
}

async function there<Fn extends (...args: never[]) => unknown>(fn: Fn): Promise<Fn> {
  return (await reviveFunction(shipped(fn))) as Fn;
}

const add = (by: number) => (x: number) => x + by;
const helper = (x: number): number => x * 2;
const helped = (by: number) => (x: number) => helper(x) + by;

test('closures of one source share a wrapper, and each has its own values', async () => {
  const [one, two] = [await there(add(1)), await there(add(2))];
  assert.deepEqual([one(10), two(10), one(20)], [11, 12, 21]);
  const first = wrapperFor(shipped(add(3)));
  assert.equal(wrapperFor(shipped(add(4))).wrapper, first.wrapper);
  keepWrapper(one, first.wrapper);
});

test('functions that capture more than data have wrappers of their own', async () => {
  const [first, second] = [wrapperFor(shipped(helped(1))), wrapperFor(shipped(helped(1)))];
  assert.deepEqual([first.isShared, second.isShared], [false, false]);
  assert.notEqual(first.name, second.name);
  assert.equal((await there(helped(1)))(4), 9);
});

test('a function made in one of several closures is sent on with the values of that one', async () => {
  const outer = (by: number) => (x: number) => () => [x, by];
  const made = [await there(outer(1)), await there(outer(2)), await there(outer(3))];
  const inner = made.map((fn, i) => fn(10 + i));
  const onward = await Promise.all(inner.map((fn) => there(fn)));
  assert.deepEqual(
    onward.map((fn) => fn()),
    [
      [10, 1],
      [11, 2],
      [12, 3],
    ],
  );
});

test('what `new Function` makes is what it is here, in each form', async () => {
  const make = (...parts: string[]): ((x: number) => unknown) => new Function(...parts) as (x: number) => unknown;
  const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;
  const forms: [string, (x: number) => unknown][] = [
    ['plain', make('x', 'return x + 1')],
    ['strict', make('x', "'use strict'; return this === undefined && x + 1")],
    ['sloppy', make('x', 'return this === globalThis && x + 1')],
    ['global', make('x', 'return Math.max(x, 5)')],
    ['named', make('x', 'return x * 2 //# sourceURL=made-here.js')],
    ['closing', make('a = (function () {\n})', 'return a')],
    ['async', AsyncFunction('x', 'return x + 2') as unknown as (x: number) => unknown],
  ];
  for (const [form, fn] of forms) {
    const copy = await there(fn);
    assert.deepEqual(await copy(4), await fn(4), form);
    assert.equal(copy.toString(), fn.toString(), form);
    assert.equal(copy.name, fn.name, form);
  }
});
