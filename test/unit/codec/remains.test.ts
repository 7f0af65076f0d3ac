import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import test from 'node:test';
import { encodeToBytes, type Portable, portable, remainsOf } from '../../../src/store/codec/index.ts';
import { roundTrip } from './support.ts';

function carries(part: object): boolean {
  try {
    encodeToBytes(part);
    return true;
  } catch {
    return false;
  }
}

/** What arrives of a value that cannot travel whole. */
function arrives<T>(value: T): T {
  assert.throws(() => encodeToBytes(value), 'the value can travel as it is');
  return roundTrip(remainsOf(value, carries)) as T;
}

test('what an HTTP client throws', () => {
  const socket = new Socket();
  const request = new EventEmitter();
  const config = { url: '/a', timeout: 5, transform: [(data: unknown) => data], signal: new AbortController().signal };
  const error = Object.assign(new TypeError('Request failed', { cause: new RangeError('inner') }), {
    status: 404,
    code: 'ERR_BAD_REQUEST',
    config,
    request,
    response: { status: 404, headers: { a: 'b' }, data: { problems: ['x'] }, config, request, socket },
  });
  const copy = arrives(error);
  assert.equal(Object.getPrototypeOf(copy), TypeError.prototype);
  assert.equal(copy.message, 'Request failed');
  assert.equal(copy.stack, error.stack);
  assert.ok(copy.cause instanceof RangeError);
  assert.equal(copy.status, 404);
  assert.equal(copy.code, 'ERR_BAD_REQUEST');
  assert.equal(copy.response.status, 404);
  assert.deepEqual(copy.response.data, { problems: ['x'] });
  assert.equal(copy.response.config, copy.config);
  assert.equal(copy.config.timeout, 5);
  assert.deepEqual(copy.config.transform as unknown, ['[cannot travel: an anonymous function]']);
  assert.match(copy.config.signal as unknown as string, /^\[cannot travel: an instance of class AbortSignal\]$/);
  assert.equal(copy.response.socket as unknown, '[cannot travel: an instance of class Socket]');
  assert.equal(copy.request as unknown, '[cannot travel: an instance of class EventEmitter]');
  socket.destroy();
});

test('an AggregateError with an error that cannot travel', () => {
  const inner = Object.assign(new RangeError('one'), { retry: () => 1, status: 1 });
  const copy = arrives(new AggregateError([inner, 'two'], 'all failed', { cause: { inner } }));
  assert.ok(copy instanceof AggregateError);
  assert.ok(copy.errors[0] instanceof RangeError);
  assert.equal(copy.errors[0], (copy.cause as { inner: unknown }).inner);
  assert.equal(Reflect.get(copy.errors[0], 'status'), 1);
  assert.equal(Reflect.get(copy.errors[0], 'retry'), '[cannot travel: the function retry]');
  assert.equal(copy.errors[1], 'two');
});

test('maps, sets, arrays with gaps and cycles', () => {
  const fn = (): void => undefined;
  const list: unknown[] = [1];
  list[5] = fn;
  const error = Object.assign(new Error('e'), {
    map: new Map<unknown, unknown>([
      ['a', fn],
      [fn, { deep: 1 }],
      [() => 2, 3],
    ]),
    set: new Set<unknown>([1, fn, Symbol('s')]),
    list: Object.assign(list, { extra: true }),
    self: undefined as unknown,
    bytes: new Uint8Array([1, 2]),
    when: new Date(5),
  });
  error.self = { error };
  const copy = arrives(error);
  assert.equal((copy.self as { error: unknown }).error, copy);
  assert.equal(copy.map.get('a'), '[cannot travel: the function fn]');
  assert.deepEqual(copy.map.get('[cannot travel: the function fn]'), { deep: 1 });
  assert.equal(copy.map.size, 3);
  assert.equal(copy.set.size, 3);
  assert.ok(copy.set.has('[cannot travel: a symbol (Symbol(s))]'));
  assert.deepEqual(Object.keys(copy.list), ['0', '5', 'extra']);
  assert.equal(copy.list[5], '[cannot travel: the function fn]');
  assert.deepEqual(copy.bytes, error.bytes);
  assert.deepEqual(copy.when, error.when);
});

test('getters and proxies that throw, and keys that are symbols', () => {
  const thrower = (): never => {
    throw new Error('no');
  };
  const registered = Symbol.for('mobula.test.registered');
  const error = Object.defineProperties(new Error('e'), {
    lazy: { get: thrower, enumerable: true },
    fine: { get: () => 7, enumerable: true },
    proxy: { value: new Proxy({}, { getPrototypeOf: thrower, ownKeys: thrower, get: thrower }), enumerable: true },
    [registered]: { value: true, enumerable: true },
    [Symbol('mine')]: { value: 1, enumerable: true },
    [Symbol('hidden')]: { value: 1, enumerable: false },
  });
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const copy = arrives(Object.assign(error, { revoked: revoked.proxy, plain: { [Symbol('in')]: 1, n: 2 } }));
  const at = (key: PropertyKey): unknown => Reflect.get(copy, key);
  assert.equal(at('lazy'), '[cannot travel: reading it throws]');
  assert.equal(at('fine'), 7);
  assert.equal(at('proxy'), '[cannot travel: an object that fails to be read]');
  assert.equal(at('revoked'), '[cannot travel: an object that fails to be read]');
  assert.equal(at(registered), true);
  assert.equal(at('[Symbol(mine)]'), '[cannot travel: a property whose key is a symbol]');
  assert.deepEqual(at('plain'), { n: 2, '[Symbol(in)]': '[cannot travel: a property whose key is a symbol]' });
  assert.equal(Object.getOwnPropertySymbols(copy).length, 1);
});

test('name, message and stack that are accessors, or no texts', () => {
  const error = new Error('e');
  const property = (key: string, get: () => unknown): void => {
    Object.defineProperty(error, key, { get, configurable: true });
  };
  property('stack', () => Symbol('stack'));
  property('message', () => {
    throw new Error('no message');
  });
  property('name', () => ({ not: 'a text' }));
  const copy = arrives(error) as unknown as Record<string, unknown>;
  assert.equal(copy['message'], '[cannot travel: reading it throws]');
  assert.equal(copy['stack'], '[cannot travel: a symbol (Symbol(stack))]');
  assert.deepEqual(copy['name'], { not: 'a text' });
});

test('values without end are cut off', () => {
  class Endless extends Error {
    get left(): Endless {
      return this.branch();
    }
    get right(): Endless {
      return this.branch();
    }
    branch(): Endless {
      const next = new Endless();
      for (const key of ['left', 'right'] as const) {
        Object.defineProperty(next, key, { get: () => next.branch(), enumerable: true });
      }
      return next;
    }
  }
  const copy = arrives(new Endless('e').branch());
  let depth = 0;
  for (let at: unknown = copy; typeof at === 'object' && at !== null; at = Reflect.get(at, 'left')) depth++;
  assert.equal(depth, 500);

  let deep: unknown = 'bottom';
  for (let i = 0; i < 10_000; i++) deep = new Error('level', { cause: deep });
  const chain = arrives(deep as Error);
  assert.match(JSON.stringify(remainsOf([deep], () => false)), /^\[/);
  assert.equal(chain.message, 'level');
});

test('a part that says how it travels keeps doing so, without what it cannot bring', () => {
  const handle = (payload: unknown): Portable => Object.assign(Object.create({}), { [portable]: () => [3, payload] });
  const broken = handle({ fn: () => 1, n: 1 });
  const copy = remainsOf({ broken }, carries) as { broken: Portable };
  assert.deepEqual(copy.broken[portable](), [3, { fn: '[cannot travel: the function fn]', n: 1 }]);
  const whole = handle(5);
  assert.equal((remainsOf({ whole, fn: () => 1 }, carries) as { whole: unknown }).whole, whole);
  const payload: Record<string, unknown> = {};
  const loop = handle(payload);
  payload['loop'] = loop;
  assert.throws(() => encodeToBytes(loop), { code: 'ERR_MOBULA_SERIALIZATION', path: 'value.loop' });
  encodeToBytes(remainsOf(loop, carries));
});

test('DOMExceptions', () => {
  const error = Object.assign(new DOMException('stop', 'AbortError'), { retry: () => 1, status: 3 });
  const copy = arrives(error);
  assert.ok(copy instanceof DOMException);
  assert.deepEqual([copy.name, copy.message, copy.code, copy.status], ['AbortError', 'stop', 20, 3]);
  assert.equal(copy.retry as unknown, '[cannot travel: the function retry]');
  const fake = Object.create(DOMException.prototype) as DOMException;
  assert.throws(() => encodeToBytes(fake), { code: 'ERR_MOBULA_SERIALIZATION' });
});
