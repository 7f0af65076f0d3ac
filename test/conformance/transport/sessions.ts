import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Listener } from '../../../src/transport/ports.ts';
import { SessionRunner } from '../../../src/transport/session/runner.ts';
import { UNACKNOWLEDGED_BYTES } from '../../../src/transport/session/state.ts';
import { until } from '../../support/until.ts';
import { type Fabric, limit, selfOf } from './fabric.ts';

interface Node {
  readonly id: string;
  readonly runner: SessionRunner;
  readonly listener: Listener;
  readonly came: number[];
  readonly held: number[];
  readonly ended: string[];
  goes: number;
  cut(): void;
}

const text = (n: number): Uint8Array => new TextEncoder().encode(String(n));

/** Nodes that know one another's listeners. */
async function nodesOf(fabric: Fabric, count: number): Promise<Node[]> {
  const nodes: Node[] = [];
  for (let i = 0; i < count; i += 1) {
    const self = selfOf();
    const cuts: (() => void)[] = [];
    const node = { id: self.nodeId, came: [] as number[], held: [] as number[], ended: [] as string[], goes: 0 };
    const runner = new SessionRunner(self.nodeId, {
      async dial(to, accept) {
        const peer = nodes.find(({ id }) => id === to);
        if (peer === undefined) throw new Error('unknown');
        cuts.push(await fabric.connectToCut(peer.listener, self, accept));
      },
      deliver(from, n, body, withRefs) {
        node.came.push(Number(new TextDecoder().decode(body.subarray(0, 8))));
        if (withRefs) setImmediate(() => runner.hold(from, n));
      },
      held: (_by, n) => void node.held.push(n),
      go: () => {
        full.goes += 1;
      },
      ended: (_peer, why) => void node.ended.push(why),
    });
    const listener = await fabric.listen(self, runner.accept);
    const full = Object.assign(node, {
      runner,
      listener,
      cut: () => {
        for (const cut of cuts.splice(0)) cut();
      },
    });
    nodes.push(full);
  }
  return nodes;
}

async function stop(nodes: readonly Node[]): Promise<void> {
  for (const node of nodes) {
    node.runner.stop();
    node.cut();
    await node.listener.stop();
  }
}

/** What holds for sessions on any channel. */
export function sessionTests(name: string, fabric: () => Fabric): void {
  test(`${name}: messages come once and in order while the connection is cut again and again`, limit, async () => {
    const nodes = await nodesOf(fabric(), 2);
    const [a, b] = nodes as [Node, Node];
    const count = 3000;
    const numbers: number[] = [];
    for (let n = 0; n < count; n += 1) {
      const { is, n: number } = a.runner.send(b.id, text(n), n % 10 === 0);
      assert.equal(is, 'taken');
      if (number !== undefined) numbers.push(number);
      b.runner.send(a.id, text(n), false);
      if (n % 300 === 150) {
        await until(() => b.came.length > n / 2);
        a.cut();
        b.cut();
      }
      if (n % 50 === 0) await new Promise(setImmediate);
    }
    const all = Array.from({ length: count }, (_, n) => n);
    await until(
      () => a.came.length === count && b.came.length === count,
      () => `${a.came.length}, ${b.came.length}`,
    );
    assert.deepEqual(a.came, all);
    assert.deepEqual(b.came, all);
    await until(() => a.held.length === numbers.length);
    assert.deepEqual(
      a.held.toSorted((x, y) => x - y),
      numbers,
    );
    await stop(nodes);
  });

  test(
    `${name}: a peer that cannot be reached costs ${UNACKNOWLEDGED_BYTES} bytes, and the sender goes on when it can`,
    limit,
    async () => {
      const nodes = await nodesOf(fabric(), 2);
      const [a, b] = nodes as [Node, Node];
      const body = new Uint8Array(100_000).fill(0x30);
      const states = Array.from({ length: 50 }, () => a.runner.send(b.id, body, false).is);
      const taken = states.filter((is) => is !== 'refused: full').length;
      assert.equal(taken, Math.floor(UNACKNOWLEDGED_BYTES / body.length));
      assert.equal(states[15], 'taken, wait for go');
      await until(() => a.goes === 1);
      await until(() => b.came.length === taken);
      assert.equal(a.runner.send(b.id, body, false).is, 'taken');
      await stop(nodes);
    },
  );

  test(`${name}: a session that one side ends is ended on the other, and does not begin again`, limit, async () => {
    const nodes = await nodesOf(fabric(), 2);
    const [a, b] = nodes as [Node, Node];
    a.runner.send(b.id, text(1), false);
    await until(() => b.came.length === 1);
    b.runner.end(a.id, 'the two disagree');
    await until(() => a.ended.length === 1);
    assert.deepEqual([a.ended, b.ended], [['the two disagree'], ['the two disagree']]);
    assert.equal(a.runner.send(b.id, text(2), false).is, 'refused: ended');
    assert.equal(b.runner.send(a.id, text(2), false).is, 'refused: ended');
    await stop(nodes);
  });

  test(
    `${name}: a node known to be dead is not heard, and learns of it; another id is another session`,
    limit,
    async () => {
      const nodes = await nodesOf(fabric(), 3);
      const [a, b, c] = nodes as [Node, Node, Node];
      b.runner.dead(a.id);
      a.runner.send(b.id, text(1), false);
      await until(() => a.ended.length === 1);
      assert.match(a.ended[0] as string, /was declared dead/);
      assert.deepEqual(b.came, []);
      c.runner.send(b.id, text(3), false);
      await until(() => b.came.length === 1);
      await stop(nodes);
    },
  );
}
