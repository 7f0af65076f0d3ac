import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { until } from '../support/until.ts';
import { Client } from './client.ts';
import { overload } from './overload.ts';
import { Service } from './service.ts';

const limit = { timeout: 120_000 };

test(
  'at twice its capacity the service answers every request or pushes it back, and does not grow',
  limit,
  async () => {
    const service = new Service();
    const { load, health, memory } = await overload(service, 5);
    assert.equal(load.lost, 0);
    assert.ok(load.done > 0);
    assert.ok(load.pushedBack > 0, 'nothing was pushed back');
    assert.deepEqual(health.queue, { depth: 0, limit: 32, tasks: 0 });
    assert.equal(health.status, 'ok');
    assert.ok(health.store.used < 4 * 2 ** 20, `${health.store.used} bytes in the store`);
    assert.ok(Math.max(...memory) < 512 * 2 ** 20, `${Math.max(...memory)} bytes of memory`);
    service.signal('SIGTERM');
    const { code, errors } = await service.end();
    assert.deepEqual({ code, errors }, { code: 0, errors: '' });
  },
);

test('SIGTERM under load: every request that was accepted is answered', limit, async () => {
  const service = new Service({ QUEUE_LIMIT: '1000' });
  const client = new Client(await service.url());
  const running = client.run(64);
  await until(() => (client.answers.get(200) ?? 0) > 500, undefined, 60_000);
  service.signal('SIGTERM');
  await running;
  const { code, output, errors } = await service.end();
  assert.deepEqual({ code, errors }, { code: 0, errors: '' });
  const [, answered, accepted] = /stopped: (\d+) of (\d+) requests answered/.exec(output) ?? [];
  assert.equal(answered, accepted);
  assert.equal(client.broken, 0);
  assert.equal(String(client.answers.get(200)), accepted, 'every answer arrived');
});

test('a client that hangs up leaves nothing behind', limit, async () => {
  const service = new Service();
  const url = await service.url();
  const away = new AbortController();
  const requests = Array.from({ length: 20 }, () => fetch(`${url}/items/1/similar`, { signal: away.signal }));
  const settled = Promise.allSettled(requests);
  await until(async () => (await service.health()).requests.accepted > 5);
  away.abort();
  await settled;
  await until(async () => {
    const { queue } = await service.health();
    return queue.depth === 0 && queue.tasks === 0;
  });
  service.signal('SIGINT');
  const { code, errors } = await service.end();
  assert.deepEqual({ code, errors }, { code: 0, errors: '' });
});

test('a port in use is one clear message, and exit code 1', limit, async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  try {
    const { port } = taken.address() as AddressInfo;
    const { code, errors } = await new Service({ PORT: String(port) }).end();
    assert.equal(code, 1);
    assert.match(
      errors,
      new RegExp(`^listen EADDRINUSE: .*:${port}\\. Stop what listens there, or set PORT to another port\\.\\n$`),
    );
  } finally {
    taken.close();
  }
});

test('a setting that makes no sense is named, and is exit code 2', limit, async () => {
  const { code, errors } = await new Service({ PORT: '3000x' }).end();
  assert.equal(code, 2);
  assert.equal(errors, 'PORT is "3000x"; it must be a whole number from 0 to 65535.\n');
});
