import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attemptKey } from '../../../src/agent/begun.ts';
import { submitterStep } from '../../../src/agent/submitter/step.ts';
import { ask, bench, kinds, opens, requests } from './submitter-bench.ts';

describe('where tasks go', () => {
  it('asks for as many as there are, opens what is granted, and sends to the emptiest window', () => {
    const { line, settle, grant, task } = bench();
    line(1, 5);
    const [wanted] = requests(settle());
    assert.deepEqual([wanted?.complete, wanted?.wishes[0]?.count, wanted?.wishes[0]?.out], [true, 5, []]);
    grant(1, 'a', 1);
    grant(2, 'b', 3);
    assert.deepEqual(opens(settle()), [[1, 4]]);
    const nodes = [0, 1, 2, 3].flatMap((index) =>
      task(index).map((effect) => (effect.kind === 'send' ? effect.node : '')),
    );
    assert.deepEqual(nodes.sort(), ['a', 'b', 'b', 'b']);
    assert.deepEqual(task(4), [{ kind: 'give-back', index: 4 }], 'no window has room');
  });

  it('wants no other place for what is out beyond a window, and tells when that comes back', () => {
    const { env, line, settle, grant, task, answer } = bench();
    const counts = () => {
      env.now += 10;
      return requests(settle()).map(({ wishes: [wish] }) => [wish?.count, wish?.out]);
    };
    line(1, 2);
    counts();
    grant(1, 'a', 2);
    settle();
    task(0);
    task(1);
    line(1, 0, false);
    grant(2, 'a', 0);
    assert.deepEqual(counts(), [[0, [['a', 2]]]]);
    answer('a', 0);
    assert.deepEqual(counts(), [[0, [['a', 1]]]]);
    answer('a', 1);
    assert.deepEqual(counts(), [[0, []]]);
  });

  it('keeps the windows of a line without tasks for a while, unless another line lacks a place', () => {
    const { env, line, settle, open, task, answer, give } = bench();
    const other = (waiting: number, first: boolean) =>
      give({
        kind: 'line',
        line: 2,
        waiting,
        meanMs: undefined,
        ask: first ? ask('g') : undefined,
        near: undefined,
        over: false,
      });
    const closes = (after: number) => {
      env.now += after;
      return settle().flatMap((effect) => (effect.kind === 'close' ? [effect.line] : []));
    };
    open(1, ['a', 1]);
    task(0);
    line(1, 0, false);
    answer('a', 0);
    assert.deepEqual(closes(100), []);
    other(1, true);
    assert.deepEqual(closes(2), []);
    assert.deepEqual(closes(4), [], 'the scheduler may still give another place');
    assert.deepEqual(closes(1), [1]);
    other(0, false);
    assert.deepEqual(closes(100), [], 'it lacks nothing any more');
    assert.deepEqual(closes(101), [2]);
  });

  it('has a task that has waited for long come back once there is another place, and go there', () => {
    const { env, line, settle, open, grant, task, answer, give } = bench();
    const waits = (index: number) => give({ kind: 'waits', node: 'a', index, generation: 0, attempt: 1 });
    const recalled = (effects = settle()) =>
      effects.flatMap((effect) => (effect.kind === 'recall' ? [[effect.node, effect.index]] : []));
    open(3, ['a', 3]);
    for (const index of [0, 1, 2]) task(index);
    line(1, 0, false);
    settle();
    for (const index of [1, 2]) waits(index);
    env.now += 10;
    const effects = settle();
    assert.deepEqual(
      requests(effects).map(({ wishes: [wish] }) => wish?.count),
      [5],
      'both want a place more',
    );
    assert.deepEqual(recalled(effects), [], 'there is none');
    grant(2, 'b', 1);
    assert.deepEqual(recalled(), [['a', 1]]);
    assert.deepEqual(recalled(), [], 'once');
    give({ kind: 'answer', node: 'a', index: 1, generation: 0, attempt: 1, hasBegun: false });
    line(1, 1, false);
    assert.deepEqual(recalled(), [], 'what waits here goes first');
    assert.deepEqual(task(1), [{ kind: 'send', node: 'b' }]);
    answer('a', 2);
    line(1, 1, false);
    assert.deepEqual(task(2), [{ kind: 'send', node: 'a' }], 'it has ended one');
  });

  it('sends nothing to a node that leaves, whatever it was granted there', () => {
    const { line, grant, task, answer, give, open } = bench();
    open(2, ['a', 2]);
    task(0);
    give({ kind: 'leaving', node: 'a' });
    assert.deepEqual(task(1), [{ kind: 'give-back', index: 1 }]);
    give({ kind: 'answer', node: 'a', index: 0, generation: 0, attempt: 1, hasBegun: false });
    line(1, 2, false);
    grant(2, 'a', 5);
    assert.deepEqual(task(0), [{ kind: 'give-back', index: 0 }]);
    grant(3, 'b', 1);
    assert.deepEqual(task(0), [{ kind: 'send', node: 'b' }]);
    assert.deepEqual(kinds(answer('b', 0)), ['end']);
  });

  it('tells that it has seen a window become smaller which it had given back', () => {
    const { env, line, settle, grant, task, answer, open } = bench();
    open(1, ['a', 1]);
    task(0);
    line(1, 0, false);
    answer('a', 0);
    env.now += 201;
    assert.ok(kinds(settle()).includes('close'));
    grant(2, 'a', 0);
    env.now += 10;
    assert.deepEqual(
      requests(settle()).map(({ seen }) => seen),
      [2],
    );
  });

  it('ends a line only once the scheduler knows of all that was seen of its windows', () => {
    const { env, line, settle, grant, task, answer, give, open } = bench();
    open(1, ['a', 2]);
    env.now += 10;
    task(0);
    line(1, 0, false);
    answer('a', 0);
    give({ kind: 'line', line: 2, waiting: 1, meanMs: undefined, ask: ask('g'), near: undefined, over: false });
    settle();
    env.now += 4.5;
    grant(2, 'a', 1);
    assert.deepEqual(requests(settle())[0]?.wishes[0]?.count, 0);
    env.now += 0.6;
    grant(3, 'a', 0);
    assert.ok(!kinds(settle()).includes('close'), 'the scheduler was asked just now');
    env.now += 1;
    const effects = settle();
    assert.deepEqual(
      requests(effects).map(({ seen }) => seen),
      [3],
    );
    assert.ok(kinds(effects).includes('close'));
  });

  it('ends a line whose last task came back from a slow node, and was cancelled', () => {
    const { env, line, settle, task, give, open } = bench();
    open(1, ['a', 2]);
    task(0);
    line(1, 0, false);
    give({ kind: 'waits', node: 'a', index: 0, generation: 0, attempt: 1 });
    settle();
    give({ kind: 'answer', node: 'a', index: 0, generation: 0, attempt: 1, hasBegun: false });
    env.now += 300;
    assert.ok(kinds(settle()).includes('close'));
  });

  it('counts an answer of the attempt that is out, from the node where it is, and only once', () => {
    const { task, answer, open } = bench();
    open(1, ['a', 1]);
    task(7);
    assert.deepEqual(answer('b', 7), []);
    assert.deepEqual(answer('a', 7, 2), []);
    assert.deepEqual(kinds(answer('a', 7)), ['end']);
    assert.deepEqual(answer('a', 7), []);
  });

  it('loses what was at a node that died, and sends nothing there again', () => {
    const { line, grant, task, answer, give, open } = bench();
    open(2, ['a', 2]);
    task(0);
    task(1);
    assert.deepEqual(kinds(give({ kind: 'dead', node: 'a', begun: undefined })), ['lost', 'lost']);
    assert.deepEqual(answer('a', 0), [], 'frames of the dead count for nothing');
    grant(2, 'a', 5);
    line(1, 2, false);
    assert.deepEqual(task(0, 2), [{ kind: 'give-back', index: 0 }]);
  });

  it('loses of what was at a node that died only what had begun there, where that is known', () => {
    const { task, give, answer, open } = bench();
    open(4, ['a', 3], ['b', 1]);
    for (const [index, attempt] of [[0], [1], [2, 2], [3]] as const) task(index, attempt);
    const begun = new Set([
      attemptKey({ index: 1, generation: 0, attempt: 1 }),
      // Of another attempt, and of a task that is elsewhere.
      attemptKey({ index: 2, generation: 0, attempt: 1 }),
      attemptKey({ index: 9, generation: 0, attempt: 1 }),
    ]);
    const ended = give({ kind: 'dead', node: 'a', begun });
    const lost = ended.flatMap((effect) => (effect.kind === 'lost' ? [effect.index] : []));
    const back = ended.flatMap((effect) => (effect.kind === 'give-back' ? [effect.index] : []));
    assert.deepEqual([lost, back.length], [[1], 2]);
    const [elsewhere] = [0, 2, 3].filter((index) => !back.includes(index));
    assert.deepEqual(kinds(answer('b', elsewhere as number)), ['end']);
  });

  it('tells a node to stop a task, and waits for its answer', () => {
    const { task, answer, give, open } = bench();
    open(1, ['a', 1]);
    task(3);
    const stopped = give({ kind: 'stop', index: 3, generation: 0, force: true, recursive: false });
    const how = { attempt: 1, force: true, recursive: false };
    assert.deepEqual(stopped, [{ kind: 'cancel', node: 'a', index: 3, generation: 0, ...how }]);
    assert.deepEqual(give({ kind: 'stop', index: 3, generation: 1, force: true, recursive: false }), []);
    assert.deepEqual(kinds(answer('a', 3)), ['end']);
  });

  it('fails all that waits when no node can run it, and not what comes after it was mended', () => {
    const { env, line, settle, grant, task, give } = bench();
    line(1, 2);
    settle();
    give({ kind: 'granted', word: { kind: 'infeasible', line: 1 } });
    assert.deepEqual(opens(settle()), [[1, 2]]);
    assert.deepEqual(kinds([...task(0), ...task(1)]), ['fail', 'fail']);
    line(1, 0, false);
    env.now += 10;
    settle();
    line(1, 1, false);
    grant(1, 'a', 1);
    settle();
    assert.deepEqual(kinds(task(2)), ['send']);
  });

  it('tells the scheduler of tasks that came after its word, as it says that once', () => {
    const { env, line, settle, give, task } = bench();
    line(1, 1);
    settle();
    give({ kind: 'granted', word: { kind: 'infeasible', line: 1 } });
    settle();
    task(0);
    line(1, 0, false);
    env.now += 10;
    // As many as the scheduler knows of.
    line(1, 1, false);
    assert.deepEqual(
      requests(settle()).map(({ wishes }) => wishes[0]?.count),
      [1],
    );
    env.now += 10;
    assert.deepEqual(requests(settle()), [], 'once');
    // Its word may also come when there is nothing to fail.
    line(1, 0, false);
    give({ kind: 'granted', word: { kind: 'infeasible', line: 1 } });
    line(1, 1, false);
    assert.equal(requests(settle()).length, 1);
  });

  it('acknowledges a smaller window, so that the scheduler may give the room away', () => {
    const { env, settle, grant, open } = bench();
    open(9, ['a', 4]);
    env.now += 10;
    grant(2, 'a', 1);
    assert.deepEqual(
      requests(settle()).map(({ seen }) => seen),
      [2],
    );
    env.now += 10;
    assert.deepEqual(requests(settle()), []);
  });

  it('keeps the windows of a line for a while, then gives them back and closes it', () => {
    const { env, line, settle, task, answer, state, open } = bench();
    open(1, ['a', 1]);
    task(0);
    line(1, 0, false);
    env.now += 10;
    answer('a', 0);
    const soon = settle();
    assert.deepEqual(requests(soon), [], 'another task may come');
    const wake = soon.find((effect) => effect.kind === 'wake');
    assert.ok(wake?.kind === 'wake');
    env.now = wake.at;
    const effects = settle();
    assert.deepEqual(requests(effects)[0]?.wishes[0]?.count, 0);
    assert.deepEqual(
      kinds(effects).filter((kind) => kind !== 'request'),
      ['open', 'close'],
    );
    submitterStep(
      state,
      { kind: 'line', line: 1, waiting: 0, meanMs: undefined, ask: undefined, near: undefined, over: true },
      env,
    );
    assert.equal(state.lines.size + state.byAsk.size, 0);
  });
});
