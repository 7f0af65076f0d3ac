import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import test from 'node:test';
import { get, put, remote, TaskError } from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite();

async function caught(promise: Promise<unknown>): Promise<TaskError & { cause: Record<string, unknown> }> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof TaskError);
    return error as never;
  }
  assert.fail('nothing was thrown');
}

const thrower = remote((kind: string) => {
  switch (kind) {
    case 'http':
      throw Object.assign(new TypeError('Request failed', { cause: new RangeError('inner') }), {
        status: 404,
        config: { url: '/', transform: [() => 1], retries: 3 },
        response: { status: 404, body: new ReadableStream() },
      });
    case 'aggregate': {
      const inner = Object.assign(new RangeError('one'), { retry: () => 1 });
      throw new AggregateError([inner, new Error('two')], 'all failed');
    }
    case 'abort':
      throw new DOMException('stopped', 'AbortError');
    case 'wasm':
      throw new (globalThis as never as { WebAssembly: { RuntimeError: ErrorConstructor } }).WebAssembly.RuntimeError(
        'unreachable',
      );
    case 'instance': {
      const HttpFailure = class HttpFailure {
        message = 'gone';
        status = 410;
        agent = () => 1;
      };
      throw new HttpFailure();
    }
    case 'promise':
      throw Promise.resolve(1);
    case 'null object':
      throw Object.assign(Object.create(null), { toString: 1, valueOf: 2 });
    case 'symbol message': {
      const error = new Error('e');
      Object.defineProperty(error, 'message', { value: Symbol('m') });
      throw error;
    }
    case 'object message': {
      const error = new Error('e');
      Object.defineProperty(error, 'message', { value: { toString: 1 } });
      throw error;
    }
    case 'revoked proxy': {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      throw proxy;
    }
    default: {
      const error = new Error('own stack', { cause: new TypeError('its cause') });
      error.stack = 'somewhere else';
      Object.defineProperty(error, 'late', {
        enumerable: true,
        get: () => {
          throw new Error('too late');
        },
      });
      throw error;
    }
  }
});

test('an error with parts that cannot travel brings all others, and says where one is missing', limit, async () => {
  const error = await caught(get(thrower.remote('http')));
  assert.ok(error instanceof TypeError);
  assert.ok(error.message.startsWith(`Task '${error.taskName}' failed: Request failed. See `), error.message);
  assert.equal(error.attempt, 1);
  assert.match(error.nodeId, /^[0-9a-f]{16}$/);
  assert.match(error.stack ?? '', /Remote stack:\nTypeError: Request failed/);
  assert.ok(error.cause['cause'] instanceof RangeError);
  assert.equal(error.cause['status'], 404);
  const { transform, ...config } = error.cause['config'] as Record<string, unknown>;
  assert.deepEqual(config, { url: '/', retries: 3 });
  assert.deepEqual(transform, ['[cannot travel: an anonymous function]']);
  assert.deepEqual(error.cause['response'], {
    status: 404,
    body: '[cannot travel: an instance of class ReadableStream]',
  });
});

test('an AggregateError keeps its class and its errors', limit, async () => {
  const error = await caught(get(thrower.remote('aggregate')));
  assert.ok(error instanceof AggregateError);
  assert.ok(error.errors[0] instanceof RangeError);
  assert.equal(Reflect.get(error.errors[0], 'retry'), '[cannot travel: the function retry]');
  assert.equal(error.errors[1].message, 'two');
  assert.equal(error.errors, (error.cause as unknown as AggregateError).errors);
});

test('a DOMException and an error of WebAssembly keep their class', limit, async () => {
  const abort = await caught(get(thrower.remote('abort')));
  assert.ok((abort as unknown) instanceof DOMException);
  assert.equal(abort.name, 'TaskError');
  assert.equal(abort.cause['name'], 'AbortError');
  const { RuntimeError } = (globalThis as never as { WebAssembly: { RuntimeError: ErrorConstructor } }).WebAssembly;
  assert.ok((await caught(get(thrower.remote('wasm')))) instanceof RuntimeError);
});

test('what is no error arrives too, or is described', limit, async () => {
  const instance = await caught(get(thrower.remote('instance')));
  assert.match(instance.message, /cannot travel: an instance of class HttpFailure: gone/);
  assert.equal(instance.cause['status'], 410);
  assert.equal(instance.cause['agent'], '[cannot travel: the function agent]');
  assert.match((await caught(get(thrower.remote('promise')))).message, /an instance of class Promise/);
  assert.deepEqual({ ...(await caught(get(thrower.remote('null object')))).cause }, { toString: 1, valueOf: 2 });
  assert.match((await caught(get(thrower.remote('symbol message')))).message, /a symbol \(Symbol\(m\)\)/);
  assert.match((await caught(get(thrower.remote('object message')))).message, /its message is an object/);
  assert.match((await caught(get(thrower.remote('revoked proxy')))).message, /an object that fails to be read/);
  const own = await caught(get(thrower.remote('getter')));
  assert.match(own.stack ?? '', /Remote stack:\nsomewhere else/);
  assert.equal(own.cause['late'], '[cannot travel: reading it throws]');
});

test('a TaskError thrown on with something added keeps what it was', limit, async () => {
  const outer = remote(async () => {
    try {
      await get(thrower.remote('http'));
    } catch (error) {
      (error as { cause: Record<string, unknown> }).cause['socket'] = () => 1;
      throw Object.assign(error as Error, { request: () => 1, id: 5 });
    }
  });
  const error = await caught(get(outer.remote()));
  const inner = error.cause as unknown as TaskError & Record<string, unknown>;
  assert.ok(inner instanceof TaskError);
  assert.ok(inner instanceof TypeError);
  assert.equal(inner['id'], 5);
  assert.equal(inner['request'], '[cannot travel: the function request]');
  assert.equal((inner.cause as Record<string, unknown>)['status'], 404);
  assert.equal((inner.cause as Record<string, unknown>)['socket'], '[cannot travel: an anonymous function]');
});

test('errors of fetch travel inside a result and when they are thrown', limit, async () => {
  const server = createServer((socket) => socket.end('this is no HTTP\r\n\r\n')).listen(0);
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  try {
    const here = await fetch(url).then(
      () => assert.fail('nothing was thrown'),
      (error: Error) => error.cause as Error,
    );
    const settle = remote((address: string) => Promise.allSettled([fetch(address)]));
    const [outcome] = (await get(settle.remote(url))) as [PromiseRejectedResult];
    const arrived = outcome.reason.cause;
    assert.deepEqual([arrived.name, arrived.message, { ...arrived }], [here.name, here.message, { ...here }]);
    await get(put(outcome));
    const fetches = remote((address: string) => fetch(address).then(() => 1));
    const error = await caught(get(fetches.remote(url)));
    assert.ok(error instanceof TypeError);
    assert.equal((error.cause['cause'] as Error).message, here.message);
  } finally {
    server.close();
  }
});
