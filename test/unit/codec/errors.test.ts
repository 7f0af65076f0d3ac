import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { roundTrip } from './support.ts';

const classes = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];

for (const Class of classes) {
  test(`keeps a ${Class.name}`, () => {
    const error = new Class('message', { cause: { because: new Class('inner') } });
    const copy = roundTrip(error);
    assert.ok(copy instanceof Class);
    assert.equal(Object.getPrototypeOf(copy), Class.prototype);
    assert.equal(copy.stack, error.stack);
    assert.deepStrictEqual(copy, error);
    assert.deepStrictEqual(copy.cause, error.cause);
    assert.deepEqual(Object.keys(copy), []);
  });
}

test('keeps an AggregateError with its errors', () => {
  const error = new AggregateError([new TypeError('a'), 'b'], 'several', { cause: 1 });
  const copy = roundTrip(error);
  assert.ok(copy instanceof AggregateError);
  assert.deepStrictEqual(copy, error);
  assert.deepStrictEqual(copy.errors, error.errors);
  assert.equal(copy.cause, 1);
});

test('keeps own properties and which of them show', () => {
  const error = Object.assign(new Error('m'), { code: 'E_X', details: { a: [1] }, name: 'Named' });
  const copy = roundTrip(error);
  assert.deepStrictEqual(copy, error);
  assert.deepEqual(Object.keys(copy).sort(), ['code', 'details', 'name']);
});

test('an error without message, cause or stack arrives without', () => {
  const error = new Error();
  Reflect.deleteProperty(error, 'stack');
  const copy = roundTrip(error);
  assert.deepEqual(Object.getOwnPropertyNames(copy), []);
});

test('an error of a user class is one of the nearest built-in class, by its own name', () => {
  class BaseFailure extends TypeError {
    override name = 'BaseFailure';
  }
  class Failure extends BaseFailure {
    readonly status = 404;
  }
  class Inherits extends RangeError {}
  Object.defineProperty(Inherits.prototype, 'name', { value: 'Inherits' });
  const failure = roundTrip<Error>(new Failure('not here'));
  assert.equal(Object.getPrototypeOf(failure), TypeError.prototype);
  assert.equal(failure.name, 'BaseFailure');
  assert.equal(Reflect.get(failure, 'status'), 404);
  const inherits = roundTrip<Error>(new Inherits('far'));
  assert.equal(Object.getPrototypeOf(inherits), RangeError.prototype);
  assert.equal(inherits.name, 'Inherits');
  assert.deepEqual(Object.keys(inherits), []);
});

test('keeps cycles through errors', () => {
  const error = new Error('loop');
  error.cause = { error };
  const copy = roundTrip(error);
  assert.equal((copy.cause as { error: Error }).error, copy);
});

test("keeps Node's own errors", () => {
  for (const act of [() => readFileSync('/does/not/exist'), () => Buffer.alloc(-1), () => new URL('::')]) {
    const error = caught(act);
    const copy = roundTrip(error);
    assert.equal(copy.constructor, error.constructor);
    assert.deepStrictEqual({ ...copy }, { ...error });
    assert.equal(copy.message, error.message);
    assert.equal(copy.stack, error.stack);
  }
});

function caught(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  assert.fail('nothing was thrown');
}

test('keeps DOMExceptions', () => {
  for (const error of [
    new DOMException('stop', 'AbortError'),
    AbortSignal.abort().reason as DOMException,
    caughtClone(),
  ]) {
    const copy = roundTrip([error, error]);
    assert.equal(copy[0], copy[1]);
    assert.ok(copy[0] instanceof DOMException);
    const { name, message, code, stack } = error;
    assert.deepEqual(
      { name: copy[0].name, message: copy[0].message, code: copy[0].code, stack: copy[0].stack },
      { name, message, code, stack },
    );
  }
});

function caughtClone(): DOMException {
  const error = caught(() => structuredClone(() => 1));
  assert.ok(error instanceof DOMException);
  return error;
}

test('a limit on stack traces is left as it was', () => {
  const limit = Error.stackTraceLimit;
  roundTrip(new Error('x'));
  assert.equal(Error.stackTraceLimit, limit);
});

test('keys that are symbols every thread has travel; of others, those that show are refused', () => {
  const registered = Symbol.for('undici.error.UND_ERR');
  const error = Object.assign(new Error('e'), { [registered]: true, [Symbol.toStringTag]: 'Odd' });
  Object.defineProperty(error, Symbol('kIsNodeError'), { value: true });
  const copy = roundTrip(error);
  assert.deepEqual(Object.getOwnPropertySymbols(copy), [registered, Symbol.toStringTag]);
  assert.equal(Reflect.get(copy, registered), true);
  const path = 'value.list[0][Symbol(mine)]';
  const list = [Object.assign(new Error('e'), { [Symbol('mine')]: 1 })];
  assert.throws(() => roundTrip({ list }), { code: 'ERR_MOBULA_SERIALIZATION', path });
});

test('keeps the classes of errors that WebAssembly and newer Nodes have', () => {
  const { WebAssembly: wasm, SuppressedError: Suppressed, QuotaExceededError: Quota } = globalThis as never as Rare;
  for (const Class of [wasm.CompileError, wasm.LinkError, wasm.RuntimeError]) {
    const copy = roundTrip(new Class('m'));
    assert.equal(Object.getPrototypeOf(copy), Class.prototype);
    assert.deepEqual(Object.getOwnPropertyNames(copy).sort(), ['message', 'stack']);
  }
  // A user's class of the same name is none of them.
  const RuntimeError = class RuntimeError extends Error {};
  assert.equal(Object.getPrototypeOf(roundTrip(new RuntimeError())), Error.prototype);
  if (Suppressed !== undefined) {
    const error = new Suppressed(new RangeError('a'), new TypeError('b'), 'm');
    const copy = roundTrip(error);
    assert.equal(Object.getPrototypeOf(copy), Suppressed.prototype);
    assert.ok(copy.error instanceof RangeError);
    assert.ok(copy.suppressed instanceof TypeError);
    assert.deepEqual(Object.keys(copy), []);
  }
  if (Quota !== undefined) {
    const copy = roundTrip(new Quota('m', { quota: 1, requested: 2 }));
    assert.equal(Object.getPrototypeOf(copy), Quota.prototype);
    assert.deepEqual([copy.name, copy.quota, copy.requested], ['QuotaExceededError', 1, 2]);
  }
});

interface Rare {
  readonly WebAssembly: Readonly<Record<'CompileError' | 'LinkError' | 'RuntimeError', ErrorConstructor>>;
  readonly SuppressedError?: new (a: Error, b: Error, m: string) => Error & { error: unknown; suppressed: unknown };
  readonly QuotaExceededError?: new (m: string, o: object) => DOMException & { quota: number; requested: number };
}

test("keeps a DOMException's properties, and cycles through it", () => {
  const error = Object.assign(new DOMException('stop', 'AbortError'), { retries: 2 });
  Object.defineProperty(error, 'cause', { value: { error } });
  const copy = roundTrip(error) as DOMException & { retries: number; cause: { error: unknown } };
  assert.equal(copy.retries, 2);
  assert.equal(copy.cause.error, copy);
  assert.deepEqual(Object.keys(copy), ['retries']);
});
