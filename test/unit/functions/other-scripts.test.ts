// What another script of the thread declared was copied without a word, or was a ReferenceError in the worker.
import assert from 'node:assert/strict';
import test from 'node:test';
import { runInThisContext } from 'node:vm';
import { CaptureError } from '../../../src/common/errors.ts';
import { type AnyFunction, captureFunction, reviveFunction } from '../../../src/core/functions/index.ts';

const host = {
  isPortable: () => false,
  findOwn: () => undefined,
  ownModule: () => undefined,
  checkValue: () => undefined,
};

runInThisContext(`
  var scriptVar = 1;
  function scriptFunction() { return scriptVar; }
  let scriptLet = 2;
  const scriptConst = { n: 3 };
  class ScriptClass {}
`);

const made = (text: string): AnyFunction => runInThisContext(`(${text})`) as AnyFunction;

for (const name of ['scriptVar', 'scriptFunction', 'scriptLet', 'ScriptClass']) {
  test(`${name} of another script is refused by name`, () => {
    const fn = made(`() => ${name}`);
    assert.throws(
      () => captureFunction(fn, host),
      (error) => error instanceof CaptureError && error.variable === name && error.message.includes('another script'),
    );
  });
}

test('what new Function made is refused a variable of another script too', () => {
  for (const name of ['scriptVar', 'scriptLet']) {
    assert.throws(
      () => captureFunction(new Function(`return typeof ${name}`), host),
      (error) => error instanceof CaptureError && error.variable === name,
    );
  }
});

test('a constant of another script is copied, and looking for it changes nothing', async () => {
  const fn = made('() => scriptConst.n');
  assert.equal((await reviveFunction(structuredClone(captureFunction(fn, host))))(), 3);
  assert.equal(made('() => scriptLet')(), 2);
});

// As jsdom makes `window` and `location`.
test('a global that cannot be deleted but is no variable of a script is left to the worker', () => {
  Object.defineProperty(globalThis, 'fixedHere', { get: () => 1, enumerable: true });
  const fn = made('() => typeof fixedHere');
  const { captures } = captureFunction(fn, host);
  assert.deepEqual([...captures.keys()], []);
});

test('globals of the platform are those of the worker', async () => {
  const fn = made('() => [typeof setTimeout, typeof Buffer, undefined, NaN, Infinity, typeof nowhere]');
  const there = (await reviveFunction(structuredClone(captureFunction(fn, host))))();
  assert.deepEqual(there, ['function', 'function', undefined, Number.NaN, Infinity, 'undefined']);
});
