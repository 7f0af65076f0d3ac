import assert from 'node:assert/strict';
import test from 'node:test';
import { newShard, Op, OpWriter, Result, type ShardEffect, Table } from '../../../../src/gcs/shard/index.ts';
import { CLIENT, OneClient, SIZES } from './harness.ts';

const KEY = Buffer.from('key');
const value = (text: string) => Buffer.from(text);
const kinds = (effects: readonly ShardEffect[]) => effects.map(({ kind }) => kind);
const fact = () => new OpWriter().add(Op.put, Table.kv, KEY, value('fact'));
const decision = () => new OpWriter().add(Op.cas, Table.kv, Buffer.from('other'), value('x'), 0);

test('a fact is acknowledged when it is written, a decision when it is on the disk, and in order', () => {
  const one = new OneClient();
  one.prompt = false;
  assert.deepEqual(kinds(one.write(fact())), ['append']);
  const [append] = one.write(decision());
  assert.ok(append?.kind === 'append' && append.sync);
  const [last] = one.write(fact());
  assert.ok(last?.kind === 'append' && !last.sync);
  const batches = (effects: readonly ShardEffect[]) =>
    effects.flatMap((effect) => (effect.kind === 'done' ? [[effect.batchNo, effect.durable]] : []));
  assert.deepEqual(batches(one.step({ kind: 'written', seq: last.lastSeq })), [[1, 0]]);
  assert.deepEqual(batches(one.step({ kind: 'synced', seq: append.lastSeq })), [
    [2, append.lastSeq],
    [3, append.lastSeq],
  ]);
});

test('a read shows what was there when it came, once that is committed', () => {
  const one = new OneClient();
  one.run(Op.put, Table.kv, KEY, value('old'));
  one.prompt = false;
  const [append] = one.write(fact());
  assert.ok(append?.kind === 'append');
  const read = { kind: 'read', link: 1, epoch: 1, table: Table.kv, keys: [KEY, Buffer.from('none')] } as const;
  assert.deepEqual(one.step({ ...read, reqNo: 5 }), []);
  one.write(new OpWriter().add(Op.put, Table.kv, KEY, value('later')));
  const values = one.step({ kind: 'written', seq: append.lastSeq }).find(({ kind }) => kind === 'values');
  assert.ok(values?.kind === 'values');
  assert.deepEqual([values.values[0]?.value?.toString(), values.values[1]], ['fact', null]);
});

test('a batch that comes twice is carried out once, and hello brings the outcomes that were not acknowledged', () => {
  const one = new OneClient();
  const add = () => new OpWriter().add(Op.add, Table.kv, KEY, value('x'));
  const [, first] = one.write(add(), { batchNo: 1 });
  assert.ok(first?.kind === 'done');
  assert.deepEqual(one.write(add(), { batchNo: 1 }), []);
  one.restart();
  const again = one.step({ kind: 'hello', link: 2, epoch: 1, client: CLIENT, ackBelow: 1 });
  assert.deepEqual(kinds(again), ['welcome', 'done']);
  assert.ok(again[0]?.kind === 'welcome' && again[0].lastBatch === 1);
  assert.ok(again[1]?.kind === 'done' && again[1].results.equals(first.results));
  assert.deepEqual(kinds(one.step({ kind: 'hello', link: 3, epoch: 1, client: CLIENT, ackBelow: 2 })), ['welcome']);
});

test('a batch that leaves one out is refused once, however many follow', () => {
  const one = new OneClient();
  assert.deepEqual(one.write(fact(), { batchNo: 2 }), [{ kind: 'gap', link: 1, lastBatch: 0 }]);
  assert.deepEqual(one.write(fact(), { batchNo: 3 }), []);
  assert.deepEqual(kinds(one.write(fact(), { batchNo: 1 })), ['append', 'done']);
});

test('a session that has ended takes nothing, before and after a restart, whoever asks', () => {
  const one = new OneClient();
  one.run(Op.expireSession, 0, Buffer.from('00000000000000d2', 'hex'));
  for (const restarted of [false, true]) {
    if (restarted) one.restart();
    const hello = { kind: 'hello', link: 2, epoch: 1, client: '00000000000000d2', ackBelow: 1 } as const;
    assert.deepEqual(kinds(one.step(hello)), ['session-expired']);
    const ops = fact().take();
    const write = { ...hello, kind: 'write', batchNo: 1, resend: true, ops } as const;
    assert.deepEqual(kinds(one.step(write)), ['session-expired']);
  }
  assert.equal(one.state.core.tables.get(Table.kv)?.size, 0);
});

test('a client that ends its own session is not known again by the batch that did it', () => {
  const one = new OneClient();
  one.run(Op.expireSession, 0, Buffer.from(CLIENT, 'hex'));
  for (const restarted of [false, true]) {
    if (restarted) one.restart();
    assert.deepEqual(one.state.core.sessions.completions(CLIENT), []);
    assert.deepEqual(kinds(one.write(fact())), ['session-expired']);
  }
});

test('too much that is not acknowledged is refused for a while, and comes again', () => {
  const one = new OneClient();
  one.prompt = false;
  let appended = 0;
  for (let i = 0; i < 64; i++) {
    const [append] = one.write(fact());
    assert.ok(append?.kind === 'append');
    appended = append.lastSeq;
  }
  assert.deepEqual(kinds(one.write(fact())), ['busy']);
  assert.deepEqual(kinds(one.write(fact())), []);
  one.step({ kind: 'written', seq: appended });
  assert.deepEqual(kinds(one.write(fact(), { batchNo: 65 })), ['append']);
});

test('after a log that did not end cleanly only what is resent is taken, until every node has said so or the time is up', () => {
  const node = Buffer.from(CLIENT, 'hex');
  for (const ends of ['resent', 'time'] as const) {
    const one = new OneClient();
    one.run(Op.put, Table.node, node, value('row'));
    one.restart(false);
    assert.deepEqual(kinds(one.write(fact())), ['busy']);
    assert.deepEqual(kinds(one.write(fact(), { batchNo: 2, resend: true })), ['append', 'done']);
    if (ends === 'resent') one.step({ kind: 'resent', client: CLIENT });
    else one.now += 60_000;
    assert.deepEqual(kinds(one.write(fact(), { batchNo: 3 })), ['append', 'done']);
  }
});

test('a subscriber has a snapshot and then every change; one that comes back has what it missed, or all of it again', () => {
  const one = new OneClient({ ...SIZES, ringBytes: 2_000 });
  one.run(Op.put, Table.kv, Buffer.from('a1'), value('1'));
  one.run(Op.put, Table.kv, Buffer.from('b1'), value('2'));
  const sub = { kind: 'sub', link: 1, epoch: 1, subId: 4, table: Table.kv, prefix: Buffer.from('a') } as const;
  const [snap] = one.step({ ...sub, fromSeq: null });
  assert.ok(snap?.kind === 'snap' && snap.last);
  assert.deepEqual(
    snap.records.map(({ key }) => key.toString()),
    ['a1'],
  );
  const writer = new OpWriter().add(Op.put, Table.kv, Buffer.from('a2'), value('3'));
  const event = one
    .write(writer.add(Op.put, Table.kv, Buffer.from('b2'), value('4')))
    .find(({ kind }) => kind === 'event');
  assert.ok(event?.kind === 'event' && event.changes.length === 1);
  const seen = event.changes[0]?.seq ?? 0;
  one.step({ kind: 'closed', link: 1 });
  one.step({ kind: 'hello', link: 1, epoch: 1, client: CLIENT, ackBelow: 1 });
  one.run(Op.delete, Table.kv, Buffer.from('a1'));
  const missed = one.step({ ...sub, fromSeq: seen });
  assert.ok(missed[0]?.kind === 'event' && missed.length === 1);
  assert.deepEqual(
    missed[0].changes.map(({ key, value: is }) => [key.toString(), is]),
    [['a1', null]],
  );
  for (let i = 0; i < 100; i++) one.run(Op.put, Table.kv, Buffer.from(`a${i}`), value('x'));
  assert.deepEqual(kinds(one.step({ ...sub, fromSeq: seen })), ['reset', 'snap']);
});

test('a snapshot and the changes after it have nothing twice', () => {
  const one = new OneClient();
  one.prompt = false;
  const [append] = one.write(fact());
  assert.ok(append?.kind === 'append');
  const sub = { kind: 'sub', link: 1, epoch: 1, subId: 4, table: Table.kv, prefix: KEY, fromSeq: null } as const;
  assert.deepEqual(one.step(sub), []);
  assert.deepEqual(kinds(one.step({ kind: 'written', seq: append.lastSeq })), ['done', 'snap']);
});

test('who unsubscribes before the snapshot was sent hears nothing', () => {
  const one = new OneClient();
  one.prompt = false;
  const [append] = one.write(fact());
  assert.ok(append?.kind === 'append');
  one.step({ kind: 'sub', link: 1, epoch: 1, subId: 4, table: Table.kv, prefix: KEY, fromSeq: null });
  one.step({ kind: 'unsub', link: 1, subId: 4 });
  assert.deepEqual(kinds(one.step({ kind: 'written', seq: append.lastSeq })), ['done']);
  assert.deepEqual(kinds(one.write(fact())), ['append']);
});

test('memory that is used up refuses new work, and nothing else', () => {
  const one = new OneClient({ ...SIZES, mostBytes: 10_000 });
  for (let i = 0; i < 10; i++) one.run(Op.put, Table.kv, Buffer.from(`k${i}`), Buffer.alloc(1_000));
  assert.deepEqual(one.run(Op.put, Table.kv, KEY, value('new')), [Result.full, null]);
  assert.equal(one.run(Op.put, Table.kv, Buffer.from('k1'), Buffer.alloc(1_000)), null);
  assert.equal(one.run(Op.put, Table.node, KEY, value('node')), null);
  assert.equal(one.run(Op.delete, Table.kv, Buffer.from('k2')), null);
  assert.equal(one.run(Op.delete, Table.kv, Buffer.from('k3')), null);
  assert.equal(one.run(Op.put, Table.kv, KEY, value('new')), null);
});

test('what is no operation is refused whole, and changes nothing', () => {
  const good = fact().take();
  const bad: [string, Buffer][] = [
    ['cut off', good.subarray(0, good.length - 1)],
    ['a half header', Buffer.concat([good, Buffer.alloc(7)])],
    ['no such operation', new OpWriter().add(99, Table.kv, KEY, value('x')).take()],
    ['no such table', new OpWriter().add(Op.put, 77, KEY, value('x')).take()],
    ['a row as plain bytes', new OpWriter().add(Op.put, Table.row, KEY, value('x')).take()],
    ['an empty key', new OpWriter().add(Op.put, Table.kv, Buffer.alloc(0), value('x')).take()],
    ['a row that is none', new OpWriter().add(Op.putRow, Table.row, KEY, Buffer.alloc(50, 1)).take()],
    ['a hold without a number', new OpWriter().add(Op.hold, Table.row, KEY, Buffer.alloc(8)).take()],
  ];
  for (const [what, ops] of bad) {
    const one = new OneClient();
    const write = { kind: 'write', link: 1, epoch: 1, client: CLIENT, batchNo: 1, ackBelow: 1, resend: false } as const;
    assert.deepEqual(kinds(one.step({ ...write, ops: Buffer.concat([good, ops]) })), ['refuse'], what);
    assert.equal(one.state.core.applied, 0, what);
  }
});

test('another epoch, or a client that said no hello, is told so', () => {
  const one = new OneClient();
  const write = { kind: 'write', link: 1, epoch: 2, client: CLIENT, batchNo: 1, ackBelow: 1, resend: false } as const;
  assert.deepEqual(one.step({ ...write, ops: fact().take() }), [{ kind: 'stale', link: 1, epoch: 1 }]);
  assert.deepEqual(kinds(one.step({ ...write, epoch: 1, link: 9, ops: fact().take() })), ['refuse']);
});

test('after a failed log nothing is acknowledged', () => {
  const one = new OneClient();
  one.prompt = false;
  const [append] = one.write(fact());
  assert.ok(append?.kind === 'append');
  assert.deepEqual(kinds(one.step({ kind: 'log-failed' })), ['halt']);
  assert.deepEqual(one.step({ kind: 'synced', seq: append.lastSeq }), []);
  assert.deepEqual(kinds(one.write(fact())), ['stale']);
});

test('a log with a hole in it is not read as if there were none', () => {
  const one = new OneClient();
  for (let i = 0; i < 3; i++) one.write(fact());
  const batches = [...one.log.read()];
  assert.throws(() => newShard([batches[0], batches[2]].filter((bytes) => bytes !== undefined)), /missing/);
});
