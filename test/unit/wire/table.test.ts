// The messages of a head: what is sent comes, and what is damaged is an error of its own kind, never another value unnoticed by its
// checks and never a crash.
import assert from 'node:assert/strict';
import test from 'node:test';
import { isMobulaError } from '../../../src/common/errors.ts';
import { encode } from '../../../src/transport/messages/message.ts';
import { type Body, granted, load, nodeFacts, wanted } from '../../../src/wire/bodies.ts';
import { FromShard, isFromShard } from '../../../src/wire/client-side.ts';
import type { Granted, Load, NodeFacts, Wanted } from '../../../src/wire/ports.ts';
import { framesOf } from '../../../src/wire/shard-side.ts';
import { type HeadMessages, headDecoder, headTable } from '../../../src/wire/table.ts';
import { Random } from '../../support/random.ts';

const node = '0123456789abcdef';
const bytes = Buffer.from('bytes');
const change = { seq: 7, key: Buffer.from('key'), value: Buffer.from('value') };
const gone = { seq: 8, key: Buffer.from('gone'), value: null };

const examples: HeadMessages = {
  HELLO: { epoch: 1, ackBelow: 2 },
  WRITE: { epoch: 1, batchNo: 2 ** 40, ackBelow: 3, resend: true, ops: bytes },
  RESENT: {},
  READ: { epoch: 1, reqNo: 2, table: 6, keys: [bytes, Buffer.from('b')] },
  SUB: { epoch: 1, subId: 2, table: 6, fromSeq: 0, prefix: bytes },
  UNSUB: { subId: 2 },
  GREETING: { epoch: 1, lastBatch: 2 },
  DONE: { batchNo: 1, firstSeq: 2, lastSeq: 3, durable: 0, results: Buffer.from([0, 0, 4, 0]) },
  VALUES: { reqNo: 1, atSeq: 2, last: true, values: [change, null, gone] },
  SNAP: { subId: 1, atSeq: 2, last: false, records: [change] },
  EVENT: { subId: 1, changes: [change, gone] },
  RESET: { subId: 1 },
  STALE: { epoch: 0 },
  EXPIRED: {},
  GAP: { lastBatch: 1 },
  BUSY: { batchNo: 1, ms: 5 },
  REGISTER: { body: bytes },
  REGISTERED: { reconnectMs: 60_000 },
  REPORT: { no: 1, body: bytes },
  REPORTED: { no: 1 },
  JOB: { no: 1, name: 'a', namespace: 'b' },
  JOB_IS: { no: 1, job: 2 },
  END_JOB: { job: 1 },
  JOB_ENDED: { job: 1 },
  BYE: {},
  BYE_HEARD: {},
  EXITED: { node, cause: 'signal SIGKILL', known: true, begun: bytes },
  SUSPECTED: { node, suspected: true },
  COMPLAIN: { of: node, why: 'silence' },
  REQUEST: { body: bytes },
  GRANTED: { body: bytes },
  ASK_ALL: { scheduler: 9 },
  SCHEDULER: { scheduler: 9 },
  FROM: { node, kind: 1, no: 2, body: bytes },
  AGAIN: { node },
  TO: { node, kind: 3, body: bytes },
};

const names = Object.keys(headTable) as (keyof HeadMessages)[];
const sideOf = (name: keyof HeadMessages): 'dialer' | 'acceptor' =>
  headTable[name].from === 'dialer' ? 'dialer' : 'acceptor';

test('every message comes as it was sent, from its own side only', () => {
  for (const name of names) {
    const frame = encode(headTable[name] as never, examples[name]);
    const { name: came, values } = headDecoder.decode(frame, sideOf(name));
    assert.equal(came, name);
    assert.deepEqual(encode(headTable[name] as never, values as never), frame, name);
    assert.throws(() => headDecoder.decode(frame, sideOf(name) === 'dialer' ? 'acceptor' : 'dialer'), {
      code: 'ERR_MOBULA_FRAME',
    });
  }
});

/** Runs `read` on damaged copies of `good`; every error must be of the kind that ends a channel. */
function damage(good: Uint8Array, random: Random, read: (bytes: Uint8Array) => void): number {
  let refused = 0;
  for (let i = 0; i < 400; i++) {
    const bad = Uint8Array.from(good.subarray(0, random.below(4) === 0 ? random.below(good.length + 1) : good.length));
    for (let flips = random.below(4); flips > 0 && bad.length > 0; flips--)
      bad[random.below(bad.length)] = random.below(256);
    try {
      read(bad);
    } catch (error) {
      assert.ok(isMobulaError(error) && error.code === 'ERR_MOBULA_FRAME', String(error));
      refused += 1;
    }
  }
  return refused;
}

test('a damaged message is read as another good one, or refused', () => {
  const random = new Random(20_261_127);
  for (const name of names) {
    const frame = encode(headTable[name] as never, examples[name]);
    const refused = damage(frame, random, (bad) => {
      const message = headDecoder.decode(bad, sideOf(name));
      if (isFromShard(message)) new FromShard(1, node).effectOf(message);
    });
    assert.ok(refused > 0, name);
  }
});

const ask = { job: '1', fn: 'f', priority: -1, demand: { CPU: 1, __proto__x: 2 }, infeasibleAfterMs: 10 };
const facts: NodeFacts = {
  driver: true,
  host: 'h',
  pid: 1,
  resources: { CPU: 0.5 },
  labels: { a: 'b' },
  agent: 'h:1',
  data: '',
};
const report: Load = {
  total: { CPU: 1 },
  available: {},
  lent: [['g', 10_000]],
  queue: 3,
  meanMs: 0.5,
  means: [['f', 1.5]],
  bytesPerMs: 2,
  onlyJob: null,
  draining: false,
};
const request: Wanted = {
  no: 1,
  seen: 0,
  complete: true,
  wishes: [
    {
      line: 1,
      ask: { ...ask, strategy: 'spread' },
      large: [{ bytes: 7, places: [node] }],
      count: 2,
      meanMs: 0.25,
      out: [[node, 1]],
    },
    {
      line: 2,
      ask: { ...ask, strategy: { nodeId: node, soft: true } },
      large: [],
      count: 0,
      meanMs: undefined,
      out: [],
    },
  ],
  tasks: [
    {
      task: 't',
      ask: { ...ask, strategy: 'default' },
      large: [{ bytes: 9, places: [node] }],
      at: null,
      refusedBy: [node],
    },
  ],
  gone: ['u'],
};
const words: readonly Granted[] = [
  { kind: 'grant', no: 1, line: 2, node, w: 3 },
  { kind: 'assign', no: 1, task: 't', node, must: true },
  { kind: 'infeasible', about: { line: 1 } },
  { kind: 'node-died', about: { task: 't' }, node },
];

test('every body comes as it was sent, and a damaged one is refused or is another good one', () => {
  const random = new Random(1);
  const both = <T>(body: Body<T>, value: T): void => {
    assert.deepEqual(body.read(body.write(value)), value);
    assert.ok(damage(body.write(value), random, (bad) => void body.read(bad)) > 0);
  };
  both(nodeFacts, facts);
  both(load, report);
  both(wanted, request);
  both(granted, words);
});

test('values, snapshots and changes that are more than a frame come in parts, and whole', () => {
  const records = Array.from({ length: 5 }, (_, i) => ({
    seq: i + 1,
    key: Buffer.from(`k${i}`),
    value: Buffer.alloc(i === 2 ? 0 : 1_000_000, i),
  }));
  const from = new FromShard(1, node);
  const read = (frame: Uint8Array) => {
    const message = headDecoder.decode(frame, 'acceptor');
    assert.ok(isFromShard(message));
    return from.effectOf(message);
  };
  const values = framesOf({ kind: 'values', link: 1, reqNo: 1, atSeq: 9, values: records });
  assert.ok(values.length > 4);
  const heard = values.map(read);
  assert.deepEqual(heard.slice(0, -1).filter(Boolean), []);
  assert.deepEqual(heard.at(-1), { kind: 'values', link: 1, reqNo: 1, atSeq: 9, values: records });
  const snaps = framesOf({ kind: 'snap', link: 1, subId: 1, atSeq: 9, records, last: true }).map(read);
  assert.deepEqual(
    snaps.map((snap) => snap?.kind === 'snap' && snap.last),
    snaps.map((_, i) => i === snaps.length - 1),
  );
  assert.deepEqual(
    snaps.flatMap((snap) => (snap?.kind === 'snap' ? snap.records : [])),
    records,
  );
});
