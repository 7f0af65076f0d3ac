// The door of the data plane (`native/src/net.rs`); the data plane itself is tested in `crates/mobula-net/src/tests`.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { init, shutdown } from 'mobula';
import type { NetEnd } from '../../src/native/addon.ts';
import { inside } from '../support/inside.ts';
import { until } from '../support/until.ts';

const MIB = 1 << 20;
const TOKEN = Buffer.from('token of the test');
const NONE = new Uint8Array();
const nodeId = (number: number): Uint8Array => new Uint8Array(8).fill(number);
const name = (text: string): Uint8Array => Buffer.from(text);
const LOCAL = '127.0.0.1:0';

/** Listens as node `number`. `ends` has what has ended. */
function listen(number: number, address = LOCAL): { address: string; ends: NetEnd[] } {
  const { addon, port } = inside();
  const ends: NetEnd[] = [];
  const tcp = addon.netListen(port.id, nodeId(number), address, TOKEN, NONE, NONE, 256 * MIB, () => {
    ends.push(...addon.netTake(port.id));
  });
  return { address: `127.0.0.1:${tcp}`, ends };
}

/** Stores bytes and serves them. The store holds them as long as they are served. */
function serve(object: string, bytes: Uint8Array): void {
  const { addon, port } = inside();
  const buffer = addon.putBuffer(port.id, bytes);
  addon.netServe(port.id, name(object), [buffer]);
  addon.releaseBuffer(port.id, buffer);
}

async function pull(ends: NetEnd[], peer: number, address: string, object: string, bytes: number): Promise<NetEnd> {
  const { addon, port } = inside();
  const ticket = addon.netPull(port.id, nodeId(peer), address, name(object), bytes, 0);
  const found = (): NetEnd | undefined => ends.find((end) => end.ticket === ticket);
  await until(() => found() !== undefined);
  return found() as NetEnd;
}

const data = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 7) % 251);

if (process.argv[2] === 'serves') {
  await init({ numCpus: 1, objectStoreMemory: 64 * MIB });
  const { address } = listen(2);
  serve('far', data(9 * MIB + 3));
  process.send?.(address);
  process.on('disconnect', () => process.exit());
} else {
  test('an object goes through the door and back, and its buffer is the thread`s', async () => {
    await init({ numCpus: 1, objectStoreMemory: 64 * MIB });
    const { addon, port } = inside();
    const before = addon.storeStats(port.id).buffers;
    const { address, ends } = listen(1);
    const bytes = data(5 * MIB);
    serve('near', bytes);
    const end = await pull(ends, 1, address, 'near', bytes.length);
    assert.deepEqual([end.kind, end.text, end.buffers.length], [0, '', 2]);
    const [buffer = -1] = end.buffers;
    const copy = new Uint8Array(bytes.length);
    addon.readBuffer(port.id, buffer, copy);
    assert.ok(Buffer.from(bytes).equals(copy));
    addon.releaseBuffer(port.id, buffer);
    assert.equal(addon.netUnserve(port.id, name('near')), true);
    assert.equal(addon.netUnserve(port.id, name('near')), false);
    await until(() => addon.storeStats(port.id).buffers === before);
    const unknown = await pull(ends, 1, address, 'near', 5);
    assert.deepEqual([unknown.kind, unknown.buffers], [6, []]);
    addon.netForget(port.id, name('near'));
    assert.equal(addon.netCancel(port.id, unknown.ticket), false);
    await shutdown();
  });

  test('bad input gets an error at the call', async () => {
    await init({ numCpus: 1 });
    const { addon, port } = inside();
    assert.throws(() => addon.netTake(port.id), /does not listen/);
    assert.throws(() => listen(1, '0.0.0.0:0'), { code: 'ERR_MOBULA_CONNECTION', message: /with TLS only/ });
    assert.throws(() => listen(1, 'nowhere'), /no IP address/);
    const { address } = listen(1);
    assert.throws(() => listen(1), /listens already/);
    assert.throws(() => addon.netPull(port.id, new Uint8Array(7), address, name('x'), 1, 0), /8 bytes/);
    assert.throws(() => addon.netPull(port.id, nodeId(1), address, new Uint8Array(33), 1, 0), /32 bytes/);
    addon.netStop(port.id);
    assert.throws(() => addon.netTake(port.id), /does not listen/);
    listen(1);
    await shutdown();
  });

  test('an object comes from another process; one that is killed is noticed', async () => {
    const child: ChildProcess = fork(fileURLToPath(import.meta.url), ['serves']);
    try {
      const [address] = (await once(child, 'message')) as [string];
      await init({ numCpus: 1, objectStoreMemory: 64 * MIB });
      const { addon, port } = inside();
      const before = addon.storeStats(port.id).buffers;
      const { ends } = listen(1);
      const bytes = data(9 * MIB + 3);
      const end = await pull(ends, 2, address, 'far', bytes.length);
      const [buffer = -1] = end.buffers;
      const copy = new Uint8Array(bytes.length);
      addon.readBuffer(port.id, buffer, copy);
      assert.ok(Buffer.from(bytes).equals(copy));
      addon.releaseBuffer(port.id, buffer);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const gone = await pull(ends, 2, address, 'far', bytes.length);
      assert.deepEqual([gone.kind, gone.got], [1, 0]);
      addon.netHangUp(port.id, nodeId(2));
      await until(() => addon.storeStats(port.id).buffers === before);
    } finally {
      child.kill('SIGKILL');
      await shutdown();
    }
  });
}
