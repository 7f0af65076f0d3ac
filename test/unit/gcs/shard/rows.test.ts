import assert from 'node:assert/strict';
import test from 'node:test';
import { DropNode, Op, OpWriter, Rerun, Result, Table } from '../../../../src/gcs/shard/index.ts';
import {
  NOBODY,
  ResultFlag,
  type Row,
  RowFlag,
  type RowResult,
  RowState,
  readRow,
  writeResults,
  writeRow,
} from '../../../../src/gcs/tables/row.ts';
import { OneClient } from './harness.ts';

const A = 'node-aaa';
const B = 'node-bbb';
const C = 'node-ccc';
const KEY = Buffer.from('task-0000000001a');
const NONE = Buffer.alloc(0);

const bytes = (text: string) => Buffer.from(text, 'latin1');

function row(more: Partial<Row> = {}): Row {
  return {
    state: RowState.pending,
    flags: RowFlag.recoverable,
    job: 7,
    run: 1,
    tries: 0,
    submitter: A,
    executor: NOBODY,
    holders: [{ node: A, number: 1 }],
    results: [],
    spec: Buffer.from('spec'),
    ...more,
  };
}

function result(more: Partial<RowResult> = {}): RowResult {
  return { index: 0, run: 1, maker: B, size: 5, crc: 0, flags: 0, inline: NONE, places: [B], ...more };
}

const numbered = (node: string, number: number) => {
  const payload = Buffer.alloc(12);
  payload.write(node, 'latin1');
  payload.writeUInt32LE(number, 8);
  return payload;
};

function place(node: string, index: number, run: number, crc: number | null): Buffer {
  const payload = Buffer.alloc(21);
  payload.write(node, 'latin1');
  payload.writeUInt32LE(index, 8);
  payload.writeUInt32LE(run, 12);
  payload.writeUInt32LE(crc ?? 0, 16);
  payload[20] = crc === null ? 0 : ResultFlag.crcKnown;
  return payload;
}

const finish = (executor: string, ...results: RowResult[]) => Buffer.concat([bytes(executor), writeResults(results)]);
const rerun = (caller: string, flags: number) => Buffer.concat([bytes(caller), Buffer.from([flags])]);

function sweep(one: OneClient, op: number, key: Buffer, flags: number): number {
  let from = 0;
  for (let steps = 1; ; steps++) {
    const payload = Buffer.alloc(9);
    payload.writeDoubleLE(from);
    payload[8] = flags;
    const answer = one.run(op, 0, key, payload);
    if (answer === null) return steps;
    assert.equal(answer[0], Result.next);
    assert.ok((answer[1] ?? 0) > from);
    from = answer[1] ?? 0;
  }
}

function withRow(more: Partial<Row> = {}): OneClient {
  const one = new OneClient();
  assert.equal(one.run(Op.putRow, Table.row, KEY, writeRow(row(more))), null);
  return one;
}

test('a row is what was written, byte for byte, and is written once', () => {
  const whole = row({
    executor: B,
    holders: [
      { node: A, number: 3 },
      { node: C, number: 9 },
    ],
    results: [
      result({
        inline: Buffer.from('value'),
        flags: ResultFlag.inline | ResultFlag.crcKnown,
        crc: 0xfedcba98,
        places: [],
      }),
      result({ index: 2, run: 4, size: 2 ** 40, places: [A, B, C] }),
    ],
  });
  assert.deepEqual(readRow(writeRow(whole)), whole);
  const one = withRow(whole);
  assert.deepEqual(one.row(KEY), whole);
  assert.deepEqual(one.run(Op.putRow, Table.row, KEY, writeRow(row())), [Result.exists, 0]);
  assert.deepEqual(one.row(KEY), whole);
});

test('FINISH of the run that counts settles the row; of another run, or on no row, it is refused', () => {
  const one = withRow();
  assert.deepEqual(one.run(Op.finish, Table.row, KEY, finish(B, result()), 2), [Result.stale, 1]);
  assert.deepEqual(one.run(Op.finish, Table.row, Buffer.from('another'), finish(B, result()), 1), [Result.none, null]);
  assert.deepEqual(one.twice(Op.finish, Table.row, KEY, finish(B, result()), 1), [null, null]);
  assert.equal(one.row(KEY)?.state, RowState.done);
  assert.deepEqual(one.row(KEY)?.results, [result()]);
});

test('CANCEL wins over FINISH that comes later, and loses against one that came before', () => {
  const cancelled = withRow();
  assert.deepEqual(cancelled.twice(Op.cancel, Table.row, KEY), [null, [Result.stale, 1]]);
  assert.deepEqual(cancelled.run(Op.finish, Table.row, KEY, finish(B, result()), 1), [Result.stale, 1]);
  const done = withRow();
  done.run(Op.finish, Table.row, KEY, finish(B, result()), 1);
  assert.deepEqual(done.run(Op.cancel, Table.row, KEY), [Result.stale, 1]);
  assert.equal(done.row(KEY)?.state, RowState.done);
});

test('a pending row runs again for its submitter; for a holder only when submitter and executor are dead', () => {
  const one = withRow();
  assert.equal(one.run(Op.setExecutor, Table.row, KEY, bytes(B), 1), null);
  assert.deepEqual(one.run(Op.rerun, Table.row, KEY, rerun(C, Rerun.charged), 1), [Result.denied, null]);
  sweep(one, Op.dropNode, bytes(A), DropNode.places);
  assert.deepEqual(
    one.run(Op.rerun, Table.row, KEY, rerun(C, Rerun.charged), 1),
    [Result.denied, null],
    'B may hold it',
  );
  sweep(one, Op.dropNode, bytes(B), DropNode.places);
  assert.deepEqual(one.twice(Op.rerun, Table.row, KEY, rerun(C, Rerun.charged), 1), [
    [Result.written, 2],
    [Result.conflict, 2],
  ]);
  const { run, tries, submitter, executor } = one.row(KEY) ?? row();
  assert.deepEqual({ run, tries, submitter, executor }, { run: 2, tries: 1, submitter: C, executor: NOBODY });
  const own = withRow();
  assert.deepEqual(own.run(Op.rerun, Table.row, KEY, rerun(A, 0), 1), [Result.written, 2]);
  const notHeld = withRow();
  notHeld.run(Op.setExecutor, Table.row, KEY, bytes(B), 1);
  sweep(notHeld, Op.dropNode, bytes(A), DropNode.places);
  assert.deepEqual(notHeld.run(Op.rerun, Table.row, KEY, rerun(C, Rerun.notHeld), 1), [Result.written, 2]);
});

test('a done row runs again only when a value is lost, and the run fills only what has none', () => {
  const one = withRow();
  const kept = result({ index: 1, places: [C] });
  one.run(Op.finish, Table.row, KEY, finish(B, result(), kept), 1);
  assert.deepEqual(one.run(Op.rerun, Table.row, KEY, rerun(C, Rerun.lost), 1), [Result.denied, null]);
  sweep(one, Op.dropNode, bytes(B), DropNode.places);
  assert.deepEqual(one.run(Op.rerun, Table.row, KEY, rerun(C, Rerun.lost), 1), [Result.written, 2]);
  assert.deepEqual(one.run(Op.finish, Table.row, KEY, finish(B, result()), 1), [Result.stale, 2]);
  const again = [result({ run: 2, maker: A, places: [A] }), result({ index: 1, run: 2, maker: A, places: [A] })];
  assert.equal(one.run(Op.finish, Table.row, KEY, finish(A, ...again), 2), null);
  assert.deepEqual(one.row(KEY)?.results, [again[0], kept]);
});

test('rows of actor calls are never run again', () => {
  const one = withRow({ flags: RowFlag.actorCall });
  assert.deepEqual(one.run(Op.rerun, Table.row, KEY, rerun(A, 0), 1), [Result.denied, null]);
});

test('a value that is made again and differs is lost', () => {
  const known = { flags: ResultFlag.crcKnown, crc: 1 };
  const one = withRow();
  one.run(Op.finish, Table.row, KEY, finish(B, result(known)), 1);
  assert.deepEqual(one.run(Op.addPlace, Table.row, KEY, place(C, 0, 1, 2)), [Result.notRepeatable, null]);
  sweep(one, Op.dropNode, bytes(B), DropNode.places);
  one.run(Op.rerun, Table.row, KEY, rerun(C, Rerun.lost), 1);
  const other = result({ ...known, crc: 2, run: 2, places: [C] });
  assert.deepEqual(one.run(Op.finish, Table.row, KEY, finish(C, other), 2), [Result.notRepeatable, null]);
  assert.equal(one.row(KEY)?.results[0]?.flags, ResultFlag.crcKnown | ResultFlag.lost);
});

test('places are added once, and only of the run whose value it is', () => {
  const one = withRow();
  one.run(Op.finish, Table.row, KEY, finish(B, result()), 1);
  assert.deepEqual(one.twice(Op.addPlace, Table.row, KEY, place(C, 0, 1, 5)), [null, null]);
  assert.deepEqual(one.run(Op.addPlace, Table.row, KEY, place(A, 0, 2, 5)), [Result.stale, 1]);
  assert.deepEqual(one.row(KEY)?.results[0]?.places, [B, C]);
  assert.equal(one.row(KEY)?.results[0]?.crc, 5);
  assert.deepEqual(one.twice(Op.deletePlace, Table.row, KEY, numbered(B, 0)), [null, [Result.none, null]]);
  assert.deepEqual(one.run(Op.addPlace, Table.row, Buffer.from('no row'), place(C, 0, 1, 5)), [Result.free, null]);
});

test('UNHOLD(n) is void after HOLD(n + 1), in whatever order they come', () => {
  const one = withRow({ holders: [{ node: A, number: 1 }] });
  one.run(Op.hold, Table.row, KEY, numbered(B, 3));
  assert.deepEqual(one.run(Op.unhold, Table.row, KEY, numbered(B, 2)), [Result.none, null]);
  assert.equal(one.run(Op.hold, Table.row, KEY, numbered(B, 2)), null);
  assert.deepEqual(one.row(KEY)?.holders.at(-1), { node: B, number: 3 });
  assert.deepEqual(one.twice(Op.unhold, Table.row, KEY, numbered(B, 3)), [null, [Result.none, null]]);
  assert.deepEqual(one.run(Op.hold, Table.row, Buffer.from('no row'), numbered(B, 1)), [Result.none, null]);
});

test('without holders every copy is freed, and a row without spec is deleted; a place that is added later is freed too', () => {
  const one = withRow();
  one.watchFree();
  one.run(Op.finish, Table.row, KEY, finish(B, result({ places: [B, C] })), 1);
  const effects = one.write(new OpWriter().add(Op.unhold, Table.row, KEY, numbered(A, 1)));
  assert.deepEqual(one.freed(effects), [B, C]);
  assert.deepEqual(one.row(KEY)?.results[0]?.places, []);
  assert.deepEqual(one.run(Op.addPlace, Table.row, KEY, place(C, 0, 1, null)), [Result.free, null]);
  const put = withRow({ spec: NONE, state: RowState.done, results: [result({ inline: Buffer.from('v'), flags: 1 })] });
  put.run(Op.unhold, Table.row, KEY, numbered(A, 1));
  assert.equal(put.row(KEY), null);
});

test('what is finished with no holder left is freed at once', () => {
  const one = withRow();
  one.watchFree();
  one.run(Op.unhold, Table.row, KEY, numbered(A, 1));
  const effects = one.write(new OpWriter().add(Op.finish, Table.row, KEY, finish(B, result()), 1));
  assert.deepEqual(one.freed(effects), [B]);
});

test('a pending row without a spec is there until it is done, held or not', () => {
  const one = withRow({ spec: NONE });
  one.watchFree();
  one.run(Op.unhold, Table.row, KEY, numbered(A, 1));
  assert.equal(one.row(KEY)?.state, RowState.pending);
  const effects = one.write(new OpWriter().add(Op.finish, Table.row, KEY, finish(B, result()), 1));
  assert.deepEqual(one.freed(effects), [B]);
  assert.equal(one.row(KEY), null);
});

test('a dead node loses its places first and its holds later, in steps, and nothing of it comes back', () => {
  const one = new OneClient();
  const keys = Array.from({ length: 2_500 }, (_, i) => Buffer.from(`task-${String(i).padStart(11, '0')}`));
  const both = [
    { node: A, number: 1 },
    { node: C, number: 1 },
  ];
  for (const key of keys)
    one.run(Op.putRow, Table.row, key, writeRow(row({ holders: both, results: [result({ places: [A, B] })] })));
  assert.equal(sweep(one, Op.dropNode, bytes(A), DropNode.places), 3);
  for (const key of keys) assert.deepEqual(one.row(key)?.results[0]?.places, [B]);
  for (const key of keys) assert.equal(one.row(key)?.holders.length, 2);
  sweep(one, Op.dropNode, bytes(A), DropNode.holds);
  for (const key of keys) assert.deepEqual(one.row(key)?.holders, [{ node: C, number: 1 }]);
  const [key] = keys as [Buffer];
  assert.deepEqual(one.run(Op.hold, Table.row, key, numbered(A, 9)), [Result.ended, null]);
  assert.deepEqual(one.run(Op.addPlace, Table.row, key, place(A, 0, 1, null)), [Result.ended, null]);
  assert.deepEqual(one.run(Op.finish, Table.row, key, finish(A, result()), 1), [Result.ended, null]);
  assert.deepEqual(one.run(Op.putRow, Table.row, KEY, writeRow(row())), [Result.ended, null]);
  one.run(
    Op.putRow,
    Table.row,
    KEY,
    writeRow(row({ submitter: C, holders: both, results: [result({ places: [A] })] })),
  );
  assert.deepEqual(one.row(KEY)?.holders, [{ node: C, number: 1 }]);
  assert.deepEqual(one.row(KEY)?.results[0]?.places, []);
});

test('everything of a job goes at its end, and what comes late does not bring it back', () => {
  const one = new OneClient();
  const code = (job: number) => Buffer.concat([Buffer.from([0, 0, 0, 0, job, 0, 0, 0]), Buffer.from('code')]);
  for (let i = 0; i < 1_500; i++)
    one.run(
      Op.putRow,
      Table.row,
      Buffer.from(`task-${String(i).padStart(11, '0')}`),
      writeRow(row({ job: 1 + (i % 2) })),
    );
  for (let i = 0; i < 1_200; i++) one.run(Op.add, Table.function, Buffer.from(`f${i}`), code(1 + (i % 3)));
  const job = Buffer.from([1, 0, 0, 0]);
  assert.ok(sweep(one, Op.dropJob, job, 0) >= 3);
  assert.equal(one.state.core.tables.get(Table.row)?.size, 750);
  assert.equal(one.state.core.tables.get(Table.function)?.size, 800);
  assert.deepEqual(one.run(Op.putRow, Table.row, KEY, writeRow(row({ job: 1 }))), [Result.ended, null]);
  assert.equal(one.run(Op.putRow, Table.row, KEY, writeRow(row({ job: 2 }))), null);
});

test('rows are after a restart what they were', () => {
  const one = withRow();
  one.run(Op.hold, Table.row, KEY, numbered(B, 3));
  one.run(Op.finish, Table.row, KEY, finish(B, result()), 1);
  sweep(one, Op.dropNode, bytes(C), DropNode.places);
  const before = one.row(KEY);
  const { digest } = one.state.core.tables;
  one.restart();
  assert.deepEqual(one.row(KEY), before);
  assert.equal(one.state.core.tables.digest, digest);
});
