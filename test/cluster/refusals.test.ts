// What a head does with what it cannot use: garbage, another token, a port or a directory that is taken.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join as joinPath } from 'node:path';
import test from 'node:test';
import { version } from '../../src/common/version.ts';
import { Op, OpWriter, Table } from '../../src/gcs/shard/index.ts';
import { encode } from '../../src/transport/messages/message.ts';
import type { Channel, Closed } from '../../src/transport/ports.ts';
import { connect } from '../../src/transport/websocket/dial.ts';
import { load, nodeFacts, wanted } from '../../src/wire/bodies.ts';
import { headTable } from '../../src/wire/table.ts';
import { Random } from '../support/random.ts';
import { until } from '../support/until.ts';
import { facts, folder, head, idle, newId, node, type RunningHead } from './support.ts';
import { token } from './token.ts';

/** A connection that has proven the token and sends what it likes. */
async function raw(running: RunningHead): Promise<{ readonly channel: Channel; readonly closed: Promise<Closed> }> {
  let close: (closed: Closed) => void = () => {};
  const closed = new Promise<Closed>((resolve) => {
    close = resolve;
  });
  const self = { nodeId: newId(), version, token };
  const channel = await connect(running.host, running.port, self, () => ({
    frame: () => {},
    drained: () => {},
    closed: close,
  }));
  return { channel, closed };
}

const request = { no: 1, seen: 0, complete: true, wishes: [], tasks: [], gone: [] };
const ops = new OpWriter().add(Op.put, Table.kv, Buffer.from('a'), Buffer.from('1')).take();

/** A good frame of each message that a client may send. */
const frames: readonly Uint8Array[] = [
  encode(headTable.HELLO, { epoch: 1, ackBelow: 1 }),
  encode(headTable.WRITE, { epoch: 1, batchNo: 1, ackBelow: 1, resend: false, ops }),
  encode(headTable.RESENT, {}),
  encode(headTable.READ, { epoch: 1, reqNo: 1, table: Table.kv, keys: [Buffer.from('a')] }),
  encode(headTable.SUB, { epoch: 1, subId: 1, table: Table.kv, fromSeq: 0, prefix: Buffer.from('a') }),
  encode(headTable.UNSUB, { subId: 1 }),
  encode(headTable.REGISTER, { body: nodeFacts.write(facts) }),
  encode(headTable.REPORT, { no: 1, body: load.write(idle) }),
  encode(headTable.JOB, { no: 1, name: 'a', namespace: 'b' }),
  encode(headTable.END_JOB, { job: 1 }),
  encode(headTable.REQUEST, { body: wanted.write(request) }),
  encode(headTable.TO, { node: newId(), kind: 3, body: new Uint8Array() }),
  encode(headTable.EXITED, { node: newId(), cause: 'a', known: true, begun: new Uint8Array(20) }),
  encode(headTable.COMPLAIN, { of: newId(), why: 'silence' }),
  encode(headTable.BYE, {}),
];

test('damaged messages of every kind cost their sender the channel, and nobody else anything', async (t) => {
  const running = await head(t);
  const { pids } = running;
  const member = await node(t, running);
  const random = new Random(20_261_127);
  let closed = 0;
  for (let round = 0; round < 300; round++) {
    const { channel, closed: ends } = await raw(running);
    // A good beginning, so that what follows is looked at more closely.
    for (const good of [frames[0], frames[6]]) channel.send(good as Uint8Array);
    const frame = Uint8Array.from(frames[round % frames.length] as Uint8Array);
    for (let flips = 1 + random.below(3); flips > 0; flips--) {
      const at = round % 3 === 0 ? random.below(Math.min(frame.length, 24)) : random.below(frame.length);
      frame[at] = random.below(256);
    }
    channel.send(random.below(4) === 0 ? frame.subarray(0, random.below(frame.length)) : frame);
    channel.send(Uint8Array.of(255, 1));
    const { code } = await ends;
    assert.ok(code === 'protocol' || code === 'replaced' || code === 'dead' || code === 'done', code);
    closed += code === 'protocol' ? 1 : 0;
  }
  assert.ok(closed > 290, `${closed} of 300 ended for what they had sent`);
  assert.deepEqual(running.pids, pids, 'neither process was started again');
  await member.head.kv.put('all', Buffer.from('well'));
  const wishes = [
    {
      line: 1,
      ask: { job: '1', fn: 'f', priority: 0, demand: {}, strategy: 'default', infeasibleAfterMs: 1000 } as const,
      large: [],
      count: 1,
      meanMs: undefined,
      out: [],
    },
  ];
  member.head.request({ ...request, wishes });
  await until(() => member.granted.length > 0);
});

test('a body that only the scheduler reads costs its sender the channel, too', async (t) => {
  const running = await head(t);
  const { channel, closed } = await raw(running);
  channel.send(encode(headTable.REGISTER, { body: nodeFacts.write(facts) }));
  const [member] = [await node(t, running)];
  // It has registered when it is in the table.
  let rows = 0;
  await member.head.nodes.watch((change) => {
    rows = change.kind === 'reset' ? change.rows.size : rows + 1;
  });
  await until(() => rows >= 2);
  channel.send(encode(headTable.REQUEST, { body: Uint8Array.of(0x91, 0xc0) }));
  const { code, text } = await closed;
  assert.equal(code, 'protocol');
  assert.match(text, /other fields/);
});

test('a port that is taken, and a directory that another head has, are said', async (t) => {
  const dataDir = folder(t);
  const running = await head(t, { dataDir });
  await assert.rejects(head(t, { port: running.port }), {
    code: 'ERR_MOBULA_CONNECTION',
    message: /another process has that port/,
  });
  await assert.rejects(head(t, { dataDir }), {
    code: 'ERR_MOBULA_DATA_DIRECTORY',
    message: /cannot be used: another process uses it. Stop the head that has it, or choose another with --data-dir/,
  });
});

test('a directory that cannot be made, and a damaged log, are said', async (t) => {
  const dataDir = folder(t);
  writeFileSync(dataDir, 'a file');
  await assert.rejects(head(t, { dataDir }), {
    code: 'ERR_MOBULA_DATA_DIRECTORY',
    message: /(Not a directory|File exists)/,
  });
  const other = joinPath(dirname(dataDir), 'other');
  mkdirSync(other);
  const running = await head(t, { dataDir: other });
  await (await node(t, running)).head.kv.put('a', Buffer.alloc(10_000));
  await running.stop();
  for (const name of readdirSync(other, { recursive: true, withFileTypes: true }))
    if (name.isFile() && name.name !== 'lock')
      writeFileSync(joinPath(name.parentPath ?? name.path, name.name), 'damaged');
  await assert.rejects(head(t, { dataDir: other }), {
    code: 'ERR_MOBULA_DATA_DIRECTORY',
    message: /Bring back a copy/,
  });
});

test('another token is refused, and what is no head is no head', async (t) => {
  const running = await head(t);
  const self = { nodeId: newId(), version, token: 'another' };
  const accept = () => ({ frame: () => {}, drained: () => {}, closed: () => {} });
  await assert.rejects(connect(running.host, running.port, self, accept), { code: 'ERR_MOBULA_UNAUTHORIZED' });
  const server = createServer((socket) => socket.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  await assert.rejects(connect('127.0.0.1', port, self, accept), { code: 'ERR_MOBULA_CONNECTION' });
});
