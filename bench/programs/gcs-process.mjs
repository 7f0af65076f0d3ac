/** A GCS shard in a process of its own, in memory or with its log on disk: frames of operations on keys of 25 bytes, values of 512. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, parameters, report } from '../lib/child.mjs';
import { median } from '../lib/stats.mjs';
import { importWire } from '../lib/wire.mjs';

const { disk, perFrame, records, writes, rounds, outstanding } = parameters;
const { startHead } = await import('../../dist/boot/head.js');
const { connectHead, Op, OpWriter, Table, version } = await importWire();

const folder = mkdtempSync(join(tmpdir(), 'mobula-bench-'));
const token = 'benchmark';
const head = await startHead({
  host: '127.0.0.1',
  port: 0,
  token,
  dataDir: disk ? join(folder, 'log') : null,
  nodeTimeoutMs: 5_000,
  reconnectMs: 60_000,
  note: console.error,
});
const quiet = { granted() {}, askAll() {}, suspected() {}, connected() {}, answered() {}, ended() {} };
const self = { nodeId: 'c0ffee0000000001', version, token };
const { shard, close } = await connect();

async function connect() {
  const client = await connectHead(
    { host: head.host, port: head.port, self, firstTimeoutMs: 0, headTimeoutMs: 1_000 },
    quiet,
  );
  return { shard: client.shard, close: () => client.close() };
}

let seed = 1;
const below = (n) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
};
const keys = Array.from({ length: records }, (_, n) => Buffer.from(`key-${String(n).padStart(21, '0')}`));
const value = Buffer.alloc(512, 7);
const writer = new OpWriter();
let reads = 0;
let sinceRead = 0;

/** One frame of writes, answered; and one record read back in 100, which must be what was written last. */
async function frame() {
  let last = 0;
  let mark = 0;
  for (let i = 0; i < perFrame; i++) {
    last = below(records);
    mark = below(2 ** 31);
    value.writeUInt32LE(mark, 0);
    writer.add(Op.put, Table.kv, keys[last], value);
  }
  const done = shard.submit(writer.take());
  sinceRead += perFrame;
  let read;
  if (sinceRead >= 100) {
    sinceRead -= 100;
    read = shard.read(Table.kv, [keys[last]]);
  }
  const { results } = await done;
  check(results.length === 0, 'a write was refused');
  if (read === undefined) return;
  const [found] = await read;
  check(found?.value?.length === 512, 'the record is not there');
  reads += 1;
}

/** CPU time of a process, in seconds. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function round(frames) {
  let left = frames;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await frame();
    }
  };
  const start = performance.now();
  const cpu = [process.cpuUsage(), cpuOf(head.pids.shard)];
  await Promise.all(Array.from({ length: outstanding }, lane));
  const ops = frames * perFrame;
  const { user, system } = process.cpuUsage(cpu[0]);
  return {
    rate: (1000 * ops) / (performance.now() - start),
    clientUs: (user + system) / ops,
    shardUs: (1e6 * (cpuOf(head.pids.shard) - cpu[1])) / ops,
  };
}

const frames = Math.ceil(writes / perFrame);
await round(frames);
const measured = [];
for (let i = 0; i < rounds; i++) measured.push(await round(frames));
check(reads > 0, 'nothing was read');
close();
await head.stop();
rmSync(folder, { recursive: true, force: true });
const of = (key) => median(measured.map((one) => one[key]));
report({ rate: of('rate'), clientUs: of('clientUs'), shardUs: of('shardUs') });
