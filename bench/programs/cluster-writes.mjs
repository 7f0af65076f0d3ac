/** Writes to the control store while tasks of a driver without CPUs run on a node: many tasks, and few. */
import { startCluster } from '../../dist/testing/index.js';
import { check, parameters, report } from '../lib/child.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';
import { importWire } from '../lib/wire.mjs';

const { few = 1_000, many = 100_000 } = parameters;
const { connectHead, Op, OpWriter, Table, version } = await importWire();

const cluster = await startCluster({ nodes: [{ numCpus: 1 }] });
await init({ address: cluster.address });
const noop = remote(() => undefined);
const [host, port] = cluster.address.split(':');
const quiet = { granted() {}, askAll() {}, suspected() {}, connected() {}, answered() {}, ended() {} };
const self = { nodeId: 'c0ffee0000000001', version, token: cluster.token };
const head = await connectHead({ host, port: Number(port), self, firstTimeoutMs: 0, headTimeoutMs: 1_000 }, quiet);

/** The number that the shard gives its newest write: that of this call. */
async function newest() {
  const key = Buffer.from('newest');
  const writer = new OpWriter();
  writer.add(Op.put, Table.kv, key, Buffer.from('x'));
  await head.shard.submit(writer.take());
  const [found] = await head.shard.read(Table.kv, [key]);
  check(found !== null, 'the row is not there');
  return found.seq;
}

async function writesDuring(tasks) {
  const before = await newest();
  for (let done = 0; done < tasks; done += 1_000) {
    const values = await get(Array.from({ length: 1_000 }, () => noop.remote()));
    check(
      values.every((value) => value === undefined),
      'a task gave something',
    );
  }
  return (await newest()) - before - 1;
}

await writesDuring(few);
const [ofFew, ofMany] = [await writesDuring(few), await writesDuring(many)];
head.close();
await shutdown();
await cluster.stop();
report({ ofFew, ofMany, difference: ofMany - ofFew });
