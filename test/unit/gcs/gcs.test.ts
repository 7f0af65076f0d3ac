import assert from 'node:assert/strict';
import test from 'node:test';
import type { Change, NodeInfo } from '../../../src/gcs/client.ts';
import { embeddedGcs } from '../../../src/gcs/embedded.ts';
import { NodeReplica } from '../../../src/gcs/replica.ts';

const row = (nodeId: string, alive = true): NodeInfo => ({
  nodeId,
  alive,
  driver: false,
  host: 'h',
  pid: 1,
  resources: { CPU: 1 },
  labels: {},
});

/** The tables that the threads of a process share, as the addon keeps them. */
function sharedTables() {
  const rows = new Map<string, Uint8Array>();
  return {
    tableGet: (_port: number, _table: string, key: string) => rows.get(key) ?? null,
    tablePut: (_port: number, _table: string, key: string, value: Uint8Array) => {
      rows.set(key, value);
      return true;
    },
    tableDelete: (_port: number, _table: string, key: string) => rows.delete(key),
    tableKeys: () => [...rows.keys()].sort(),
  };
}

test('a row has a version, and cas writes only the one that was read', async () => {
  const { nodes } = embeddedGcs();
  assert.equal(await nodes.get('a'), undefined);
  assert.equal(await nodes.cas('a', 1, row('a')), false);
  assert.equal(await nodes.cas('a', 0, row('a')), true);
  assert.deepEqual(await nodes.get('a'), { row: row('a'), version: 1 });
  assert.equal(await nodes.put('a', row('a', false)), 2);
  assert.equal(await nodes.cas('a', 1, row('a')), false);
  assert.deepEqual(await nodes.get('a'), { row: row('a', false), version: 2 });
  assert.equal(await nodes.delete('a'), true);
  assert.equal(await nodes.delete('a'), false);
  assert.equal(await nodes.cas('a', 2, row('a')), false);
});

test('of many that try cas at once one wins', async () => {
  const { nodes } = embeddedGcs();
  const won = await Promise.all(Array.from({ length: 10 }, (_, i) => nodes.cas('a', 0, row(String(i)))));
  assert.equal(won.filter(Boolean).length, 1);
  assert.equal((await nodes.get('a'))?.row.nodeId, String(won.indexOf(true)));
});

test('a watcher is told what is there, and then every change in order, until it ends', async () => {
  const { nodes } = embeddedGcs();
  await nodes.put('a', row('a'));
  const told: Change<NodeInfo>[] = [];
  const end = await nodes.watch((change) => void told.push(change));
  await nodes.put('b', row('b'));
  await nodes.cas('b', 1, row('b', false));
  await nodes.cas('b', 1, row('b'));
  await nodes.delete('a');
  await nodes.delete('a');
  end();
  await nodes.put('c', row('c'));
  assert.deepEqual(told, [
    { kind: 'reset', rows: new Map([['a', row('a')]]) },
    { kind: 'put', key: 'b', row: row('b') },
    { kind: 'put', key: 'b', row: row('b', false) },
    { kind: 'delete', key: 'a' },
  ]);
});

test('the replica of one thread is what every thread of the process reads', async () => {
  const { nodes } = embeddedGcs();
  const tables = sharedTables();
  const [writer, reader] = [new NodeReplica(tables, 0), new NodeReplica(tables, 1)];
  // What the process knew before the GCS, and the GCS does not have.
  writer.set('own', row('own'));
  await nodes.put('b', row('b'));
  const end = await writer.follow(nodes);
  assert.deepEqual(reader.all(), [row('b')]);
  await nodes.put('a', row('a'));
  await nodes.put('b', row('b', false));
  assert.deepEqual(reader.all(), [row('a'), row('b', false)]);
  await nodes.delete('a');
  assert.deepEqual(reader.all(), [row('b', false)]);
  end();
  await nodes.delete('b');
  assert.deepEqual(reader.all(), [row('b', false)]);
});
