/** A GCS shard as a step in this process: frames of operations on keys of 25 bytes, values of 512; one record read back in 100. */
import { check, parameters, report } from '../lib/child.mjs';
import { importSource } from '../lib/source.mjs';
import { median } from '../lib/stats.mjs';

const { perFrame, records, rounds, frames, log } = parameters;
const { newShard, Op, OpWriter, shard, Table } = await importSource('gcs/shard/index.ts');

const CLIENT = 'c0ffee0000000001';
const LINK = 1;
const env = { now: 0, random: Math.random };
const state = newShard(log ? [] : null);
const step = (event) => shard(state, event, env);
step({ kind: 'start', epoch: 1, clean: true, reconnectMs: 60_000 });
step({ kind: 'hello', link: LINK, epoch: 1, client: CLIENT, ackBelow: 1 });

let seed = 1;
const below = (n) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
};
const value = Buffer.alloc(512, 7);
const keyOf = (n) => Buffer.from(`key-${String(n).padStart(21, '0')}`);

/** Frames as they come from a socket: each is its own buffer. */
const writer = new OpWriter();
const made = Array.from({ length: frames }, () => {
  const keys = [];
  for (let i = 0; i < perFrame; i++) {
    const key = keyOf(below(records));
    value.writeUInt32LE(below(2 ** 31), 0);
    writer.add(Op.put, Table.kv, key, value);
    keys.push(key);
  }
  return { ops: writer.take(), read: keys[0] };
});

let batchNo = 0;
let sinceRead = 0;
let answered = 0;
let read = 0;

function take(effects) {
  for (const effect of effects) {
    if (effect.kind === 'done') answered += 1;
    else if (effect.kind === 'append') {
      take(step({ kind: effect.sync ? 'synced' : 'written', seq: effect.lastSeq }));
    } else if (effect.kind === 'values') {
      check(effect.values[0]?.value.length === 512, 'the record is not what was written');
      read += 1;
    } else throw new Error(`unexpected: ${effect.kind}`);
  }
}

function round() {
  const start = performance.now();
  const cpu = process.cpuUsage();
  for (const { ops, read: key } of made) {
    batchNo += 1;
    take(step({ kind: 'write', link: LINK, epoch: 1, client: CLIENT, batchNo, ackBelow: batchNo, resend: false, ops }));
    sinceRead += perFrame;
    while (sinceRead >= 100) {
      sinceRead -= 100;
      take(step({ kind: 'read', link: LINK, epoch: 1, reqNo: batchNo, table: Table.kv, keys: [key] }));
    }
  }
  const { user, system } = process.cpuUsage(cpu);
  const ops = frames * perFrame;
  return { rate: (1000 * ops) / (performance.now() - start), cpuRate: (1e6 * ops) / (user + system) };
}

for (let i = 0; i < 3; i++) round();
const measured = Array.from({ length: rounds }, round);
check(answered === batchNo && read > 0, `${answered} of ${batchNo} frames were answered`);
report({
  rate: median(measured.map(({ rate }) => rate)),
  cpuRate: median(measured.map(({ cpuRate }) => cpuRate)),
});
