// What was said to a submitter on a connection that broke may be lost: it is said again.
import assert from 'node:assert/strict';
import test from 'node:test';
import { newScheduler, scheduler } from '../../../src/scheduler/index.ts';
import type { Ask, SchedulerEffect, SchedulerEvent } from '../../../src/scheduler/ports.ts';

const ask: Ask = {
  job: '1',
  fn: 'f',
  priority: 0,
  demand: { CPU: 10_000 },
  strategy: 'default',
  infeasibleAfterMs: 0,
};
const amounts = { CPU: 40_000 };

test('grants, assignments and verdicts are said again, with new numbers', () => {
  const state = newScheduler();
  const tell = (event: SchedulerEvent): readonly SchedulerEffect[] =>
    scheduler(state, event, { now: 0, random: () => 0 });
  const request = (no: number, from: string, count: number) =>
    tell({
      kind: 'request',
      from,
      no,
      seen: 0,
      complete: true,
      wishes: [
        { line: 1, ask, large: [], count, meanMs: undefined, out: [] },
        { line: 2, ask: { ...ask, demand: { GPU: 1 } }, large: [], count: 1, meanMs: undefined, out: [] },
      ],
      tasks: [{ task: 't', ask, large: [], at: null, refusedBy: [] }],
      gone: [],
    });
  tell({ kind: 'members', alive: ['a'] });
  tell({
    kind: 'report',
    node: 'a',
    no: 1,
    total: amounts,
    available: amounts,
    lent: [],
    queue: 0,
    meanMs: 0,
    means: [],
    bytesPerMs: 0,
    onlyJob: null,
    draining: false,
  });
  const first = request(1, 'a', 3);
  assert.ok(first.some(({ kind }) => kind === 'grant'));
  tell({ kind: 'tick' });
  const again = tell({ kind: 'again', to: 'a' });
  assert.deepEqual(again, [
    { kind: 'ask-all', to: 'a' },
    { kind: 'grant', to: 'a', no: 3, line: 1, node: 'a', w: 3 },
    { kind: 'assign', to: 'a', no: 4, task: 't', node: 'a', must: false },
    { kind: 'infeasible', to: 'a', about: { line: 2 } },
  ]);
  // A window that became smaller counts as it was until its new size is heard of, which may be lost, too.
  const smaller = request(2, 'a', 1);
  assert.deepEqual(smaller, [
    { kind: 'grant', to: 'a', no: 5, line: 1, node: 'a', w: 1 },
    // It was named again: tasks may have come since.
    { kind: 'infeasible', to: 'a', about: { line: 2 } },
  ]);
  tell({ kind: 'again', to: 'a' });
  const peaks = [...(state.submitters.get('a')?.lines.get(1)?.windows.values() ?? [])];
  assert.deepEqual(
    peaks.map(({ peak, peakNo }) => [peak, peakNo]),
    [[3, 6]],
  );
  assert.deepEqual(tell({ kind: 'again', to: 'nobody' }), []);
});
