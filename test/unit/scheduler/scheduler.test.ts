import assert from 'node:assert/strict';
import test from 'node:test';
import type { SchedulerEffect } from '../../../src/scheduler/ports.ts';
import { Random } from '../../support/random.ts';
import { ask, Cluster } from './cluster.ts';

const MIB = 2 ** 20;

/** Nodes of so many CPUs each, and a driver, all of which have reported. */
function cluster(cpus: Record<string, number>, seed = 1): Cluster {
  const made = new Cluster(new Random(seed));
  for (const [id, n] of Object.entries(cpus)) made.addNode(id, { CPU: n * 10_000 });
  made.addNode('d', {});
  made.deliverAll();
  return made;
}

function submit(made: Cluster, line: number, n: number, more: Parameters<typeof ask>[0] = {}): void {
  made.submitters.get('d')?.submit(line, ask(more), n);
  made.request('d');
  made.deliverAll();
}

/** How many of the driver's tasks are where. */
function placed(made: Cluster): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [, node] of made.submitters.get('d')?.outs() ?? []) counts[node] = (counts[node] ?? 0) + 1;
  return counts;
}

const kinds = (effects: readonly SchedulerEffect[]) =>
  effects.map(({ kind }) => kind).filter((kind) => kind !== 'wake');

test('tasks go where they wait least, and what has no place stays with its submitter', () => {
  const made = cluster({ n0: 4, n1: 4 });
  const busy = made.nodes.get('n0');
  assert.ok(busy !== undefined);
  busy.queue = 100;
  made.report('n0');
  made.deliverAll();
  submit(made, 1, 3);
  assert.deepEqual(placed(made), { n1: 3 });
  submit(made, 2, 10);
  assert.deepEqual(placed(made), { n0: 4, n1: 4 });
  assert.equal(made.submitters.get('d')?.waiting(), 5);
});

test('what a node was given since its report counts as its wait', () => {
  const made = cluster({ n0: 4, n1: 4, n2: 4, n3: 4 });
  for (let line = 0; line < 8; line++) submit(made, line, 1);
  assert.deepEqual(placed(made), { n0: 2, n1: 2, n2: 2, n3: 2 });
});

test('what a submitter gives back goes to another that waits, though the node has nothing new to report', () => {
  const made = cluster({ n0: 1 });
  made.addNode('e', {});
  made.deliverAll();
  const [first, second] = ['d', 'e'].map((id) => made.submitters.get(id));
  submit(made, 1, 1);
  first?.finish(1, 'n0');
  // The window of the first is still there.
  second?.submit(1, ask(), 3);
  made.request('e');
  made.deliverAll();
  assert.deepEqual(second?.outs(), []);
  for (let i = 0; i < 2; i++) {
    made.request('d');
    made.deliverAll();
  }
  assert.deepEqual(second?.outs(), [[1, 'n0']]);
});

test('short tasks are sent ahead, so that a node has about five milliseconds of work', () => {
  const made = cluster({ n0: 1 });
  submit(made, 1, 10_000);
  assert.deepEqual(placed(made), { n0: 1 });
  const node = made.nodes.get('n0');
  assert.ok(node !== undefined);
  made.inFull = false;
  node.means = [['fn', 0.01]];
  made.report('n0');
  made.deliverAll();
  assert.deepEqual(placed(made), { n0: 500 });
});

test('a task goes to its large arguments, unless it would wait there for longer than they take', () => {
  const made = cluster({ n0: 1, n1: 1, n2: 1 });
  const driver = made.submitters.get('d');
  driver?.submitTask('a', ask(), [{ bytes: 100 * MIB, places: ['n1'] }]);
  made.request('d');
  made.deliverAll();
  assert.equal(driver?.tasks.get('a')?.at, 'n1');
  const holder = made.nodes.get('n2');
  assert.ok(holder !== undefined);
  holder.queue = 1_000_000;
  made.report('n2');
  made.deliverAll();
  driver?.submitTask('b', ask(), [{ bytes: 100 * MIB, places: ['n2'] }]);
  made.request('d');
  made.deliverAll();
  assert.equal(driver?.tasks.get('b')?.at, 'n0');
});

test('a task waits for the busy node that has its arguments, but not for longer than they take to another', () => {
  const made = cluster({ n0: 1, n1: 1 });
  const driver = made.submitters.get('d');
  const large = [{ bytes: 1_000 * MIB, places: ['n1'] }];
  for (const id of ['a', 'b']) driver?.submitTask(id, ask(), large);
  made.request('d');
  made.deliverAll();
  assert.equal(driver?.tasks.get('a')?.at, 'n1');
  assert.equal(driver?.tasks.get('b')?.at, null);
  made.now += 1_000;
  made.report('n0');
  made.deliverAll();
  assert.equal(driver?.tasks.get('b')?.at, null, 'the arguments take 2 s');
  made.now += 1_500;
  made.report('n0');
  made.deliverAll();
  assert.equal(driver?.tasks.get('b')?.at, 'n0');
});

test('spread puts as many on each node', () => {
  const made = cluster({ n0: 8, n1: 2, n2: 8 });
  const busy = made.nodes.get('n0');
  assert.ok(busy !== undefined);
  busy.queue = 100;
  made.report('n0');
  made.deliverAll();
  submit(made, 1, 6, { strategy: 'spread' });
  assert.deepEqual(placed(made), { n0: 2, n1: 2, n2: 2 });
});

test('what a node offers others is not granted to itself, and does not fail if there is no other', () => {
  const made = cluster({ n0: 2, n1: 2 });
  const submitter = made.submitters.get('n0');
  assert.ok(submitter !== undefined);
  submitter.submit(1, ask({ strategy: 'elsewhere', infeasibleAfterMs: 10 }), 5);
  made.request('n0');
  made.deliverAll();
  assert.deepEqual(
    submitter.outs().map(([, node]) => node),
    ['n1', 'n1'],
  );
  made.kill('n1');
  made.deliverAll();
  made.request('n0');
  made.now += 1000;
  made.report('n0');
  made.step({ kind: 'tick' });
  made.deliverAll();
  assert.deepEqual(submitter.outs(), []);
  assert.deepEqual(submitter.failed, []);
  made.addNode('n2', { CPU: 10_000 });
  made.deliverAll();
  assert.deepEqual(
    submitter.outs().map(([, node]) => node),
    ['n2'],
  );
});

test('a named node has the task; a soft name is left when its node is dead, a hard one fails', () => {
  const made = cluster({ n0: 1, n1: 1 });
  submit(made, 1, 2, { strategy: { nodeId: 'n1', soft: false } });
  assert.deepEqual(placed(made), { n1: 1 });
  submit(made, 2, 1, { strategy: { nodeId: 'n1', soft: true } });
  assert.deepEqual(placed(made), { n1: 1 });
  const before = made.log.length;
  made.kill('n1');
  made.deliverAll();
  made.request('d');
  made.report('n0');
  made.deliverAll();
  assert.deepEqual(placed(made), { n0: 1 });
  assert.deepEqual(
    made.log.slice(before).filter(({ kind }) => kind === 'node-died'),
    [{ kind: 'node-died', to: 'd', about: { line: 1 }, node: 'n1' }],
  );
  assert.deepEqual(made.submitters.get('d')?.failed, [1]);
});

test('what waits for a node by a soft name goes elsewhere when that node is dead, though nobody asks or reports', () => {
  const made = cluster({ n0: 1, n1: 1 });
  submit(made, 1, 1, { strategy: { nodeId: 'n1', soft: false } });
  submit(made, 2, 1, { strategy: { nodeId: 'n1', soft: true } });
  const before = made.log.length;
  made.kill('n1');
  const grants = made.log.slice(before).filter((effect) => effect.kind === 'grant');
  assert.deepEqual(
    grants.map(({ line, node, w }) => [line, node, w]),
    [[2, 'n0', 1]],
  );
});

test('what no node has fails after its time, and not if a node comes that has it', () => {
  const made = cluster({ n0: 1 });
  submit(made, 1, 1, { demand: { GPU: 10_000 } });
  submit(made, 2, 1, { demand: { TPU: 10_000 } });
  made.now += 9_999;
  assert.deepEqual(kinds(made.step({ kind: 'tick' })), []);
  made.addNode('n1', { CPU: 10_000, TPU: 10_000 });
  made.deliverAll();
  made.now += 1;
  assert.deepEqual(kinds(made.step({ kind: 'tick' })), ['infeasible']);
  made.deliverAll();
  assert.deepEqual(made.submitters.get('d')?.failed, [1]);
  assert.deepEqual(placed(made), { n1: 1 });
});

test('of tasks that come after they were called infeasible it is said again', () => {
  const made = cluster({ n0: 1 });
  const wish = {
    line: 7,
    ask: ask({ demand: { CPU: 50_000 }, infeasibleAfterMs: 0 }),
    large: [],
    count: 1,
    meanMs: undefined,
    out: [],
  };
  const request = (no: number): readonly SchedulerEffect[] => {
    const rest = { seen: 0, complete: false, wishes: [wish], tasks: [], gone: [] };
    return made.step({ kind: 'request', from: 'd', no, ...rest });
  };
  assert.deepEqual(kinds(request(1000)), ['infeasible']);
  assert.deepEqual(kinds(made.step({ kind: 'tick' })), [], 'not by itself');
  assert.deepEqual(kinds(request(1001)), ['infeasible']);
});

test('before all nodes have reported nothing is called infeasible', () => {
  const made = cluster({ n0: 1 });
  const silent = new Cluster(new Random(1));
  Object.assign(silent, { nodes: made.nodes, submitters: made.submitters });
  silent.step({ kind: 'members', alive: ['n0', 'd'] });
  made.submitters.get('d')?.submit(1, ask({ infeasibleAfterMs: 0 }), 1);
  for (const id of ['n0', 'd']) silent.request(id, true);
  silent.report('d');
  silent.deliver();
  silent.deliver();
  silent.deliver();
  assert.equal(silent.log.filter(({ kind }) => kind === 'infeasible').length, 0);
  silent.report('n0');
  silent.deliverAll();
  assert.deepEqual(placed(silent), { n0: 1 });
});

test('a driver with CPUs takes tasks of its own job only', () => {
  const made = cluster({ n0: 1 });
  const node = made.nodes.get('n0');
  assert.ok(node !== undefined);
  node.onlyJob = 'mine';
  made.report('n0');
  made.deliverAll();
  submit(made, 1, 1, { job: 'other' });
  assert.deepEqual(placed(made), {});
  submit(made, 2, 1, { job: 'mine' });
  assert.deepEqual(placed(made), { n0: 1 });
});

test('a node that drains is given nothing new', () => {
  const made = cluster({ n0: 2 });
  submit(made, 1, 10);
  const node = made.nodes.get('n0');
  assert.ok(node !== undefined);
  node.draining = true;
  made.report('n0');
  made.deliverAll();
  const driver = made.submitters.get('d');
  for (let i = 0; i < 2; i++) driver?.finish(1, 'n0');
  assert.deepEqual(placed(made), {});
});

test('a node that refused a task is not asked again before it has reported; after three refusals a node must take it', () => {
  const made = cluster({ n0: 1, n1: 1 });
  const driver = made.submitters.get('d');
  const asked: (string | null | undefined)[] = [];
  driver?.submitTask('t', ask(), []);
  made.request('d');
  made.deliverAll();
  for (let i = 0; i < 2; i++) {
    asked.push(driver?.tasks.get('t')?.at);
    driver?.refuse('t');
    made.request('d');
    made.deliverAll();
  }
  assert.deepEqual([...asked].sort(), ['n0', 'n1']);
  assert.equal(driver?.tasks.get('t')?.at, null);
  made.report('n1');
  made.deliverAll();
  assert.equal(driver?.tasks.get('t')?.at, 'n1');
  assert.equal(driver?.tasks.get('t')?.must, false);
  driver?.refuse('t');
  made.request('d');
  made.deliverAll();
  assert.equal(driver?.tasks.get('t')?.at, null);
  made.report('n0');
  made.deliverAll();
  assert.equal(driver?.tasks.get('t')?.at, 'n0');
  assert.equal(driver?.tasks.get('t')?.must, true);
});

test('a report that is older than one that came is dropped', () => {
  const made = cluster({ n0: 1 });
  const node = made.nodes.get('n0');
  assert.ok(node !== undefined);
  const old = node.report();
  node.draining = true;
  made.report('n0');
  made.deliverAll();
  made.step(old);
  submit(made, 1, 1);
  assert.deepEqual(placed(made), {});
});

test('the tasks of a job that has ended, and of a submitter that is dead, make room', () => {
  const made = cluster({ n0: 2 });
  made.addNode('e', {});
  submit(made, 1, 1, { job: 'ends' });
  made.submitters.get('e')?.submit(1, ask(), 1);
  made.request('e');
  made.deliverAll();
  submit(made, 2, 5);
  assert.equal(placed(made)['n0'], 1);
  made.submitters.get('d')?.lines.delete(1);
  made.step({ kind: 'job-ended', job: 'ends' });
  made.kill('e');
  made.report('n0');
  made.deliverAll();
  assert.equal(placed(made)['n0'], 2);
});

test('what was given before the last report is in it, and counts once', () => {
  const made = cluster({ n0: 4, n1: 4 });
  submit(made, 1, 1);
  const [first] = Object.keys(placed(made));
  const other = first === 'n0' ? 'n1' : 'n0';
  for (const id of ['n0', 'n1']) {
    const node = made.nodes.get(id);
    assert.ok(node !== undefined);
    node.queue = id === other ? 1 : 0;
    made.report(id);
  }
  made.deliverAll();
  submit(made, 2, 1);
  assert.deepEqual(placed(made), { [first ?? '']: 2 });
});

test('what a complete request does not name is gone', () => {
  const made = cluster({ n0: 1 });
  const driver = made.submitters.get('d');
  submit(made, 1, 1);
  driver?.lines.delete(1);
  driver?.submit(2, ask(), 1);
  made.request('d', true);
  made.deliverAll();
  made.request('d');
  made.deliverAll();
  made.report('n0');
  made.deliverAll();
  assert.deepEqual(placed(made), { n0: 1 });
  assert.equal(made.state.submitters.get('d')?.lines.size, 1);
});
