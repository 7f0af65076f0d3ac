import assert from 'node:assert/strict';
import test from 'node:test';
import type { Exit } from '../../../../src/boot/supervisor/contract.ts';
import {
  BACK_OFF_MS,
  type Life,
  type LifeEffect,
  type LifeEvent,
  lifeStep,
  newLife,
  STEADY_MS,
  STILLBORN,
} from '../../../../src/boot/supervisor/life.ts';

const crash: Exit = { pid: 7, code: null, signal: 'SIGSEGV' };
const exited: LifeEvent = { type: 'exited', exit: crash };
const failed: LifeEvent = { type: 'failed', failure: { code: 'ERR_MOBULA_UNAUTHORIZED', message: 'wrong token' } };

/** A life at which events happen, one after the other, at the times that the test says. */
function drive(life: Life): (event: LifeEvent, now?: number) => readonly LifeEffect[] {
  return (event, now = 0) => lifeStep(life, event, { now, random: () => 0 });
}

/** A life whose first process is up. */
function living(replace = true): ReturnType<typeof drive> {
  const step = drive(newLife('node', replace));
  assert.deepEqual(step({ type: 'begin' }), [{ type: 'spawn', start: 0 }]);
  assert.deepEqual(step({ type: 'ready' }), []);
  return step;
}

test('a process that dies is replaced, later each time, and at once again after it was up for long', () => {
  const step = living();
  const waits: number[] = [];
  let start = 0;
  const die = (now: number): void => {
    const [effect] = step(exited, now);
    assert.equal(effect?.type, 'timer');
    waits.push(effect.ms);
    assert.deepEqual(step({ type: 'timer' }, now), [{ type: 'spawn', start: ++start }]);
    step({ type: 'ready' }, now);
  };
  for (let i = 0; i < 8; i++) die(1000);
  assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  die(1000 + STEADY_MS);
  assert.equal(waits.at(-1), BACK_OFF_MS[0]);
});

test('what a process says of its first start ends its life, and nothing else is tried', () => {
  const step = drive(newLife('node', true));
  step({ type: 'begin' });
  assert.deepEqual(step(failed), []);
  assert.deepEqual(step(exited), [{ type: 'over', failure: failed.failure }]);
});

test('what a process says of a later start is a death, until there were too many', () => {
  const step = living();
  step(exited);
  for (let i = 1; i < STILLBORN; i++) {
    step({ type: 'timer' });
    step(failed);
    assert.equal(step(exited)[0]?.type, 'timer');
  }
  step({ type: 'timer' });
  step(failed);
  const [effect] = step(exited);
  assert.equal(effect?.type, 'over');
  assert.equal(effect.failure?.code, 'ERR_MOBULA_NODE_DIED');
  assert.match(effect.failure.message, /^The node died 5 times in a row while it started, the last time: wrong token/);
});

test('a process that dies at every start is given up, and one that was up between is not', () => {
  const step = drive(newLife('head', true));
  step({ type: 'begin' });
  for (let i = 1; i < STILLBORN; i++) {
    assert.equal(step(exited)[0]?.type, 'timer');
    step({ type: 'timer' });
  }
  step({ type: 'ready' });
  for (let i = 0; i < STILLBORN; i++) {
    assert.equal(step(exited)[0]?.type, 'timer');
    step({ type: 'timer' });
  }
  const [effect] = step(exited);
  assert.equal(effect?.type, 'over');
  assert.match(effect.failure?.message ?? '', /^The head died 5 times in a row .* signal SIGSEGV/);
});

test('a process that the system does not start is told with what the system said', () => {
  const step = drive(newLife('node', false));
  step({ type: 'begin' });
  const exit = { pid: 0, code: null, signal: null };
  const [effect] = step({ type: 'exited', exit, problem: 'spawn EAGAIN' });
  assert.equal(effect?.type, 'over');
  assert.match(effect.failure?.message ?? '', /spawn EAGAIN/);
});

test('a process that is not to be replaced ends its life with a typed error', () => {
  const step = living(false);
  const failure = { code: 'ERR_MOBULA_NODE_DIED', message: 'The node died: signal SIGSEGV' };
  assert.deepEqual(step(exited), [{ type: 'over', failure }]);
});

test('to stop is to drain; the limit, or a second call, kills', () => {
  for (const impatient of [{ type: 'timer' }, { type: 'stop', ms: 25 }] as const) {
    const step = living();
    assert.deepEqual(step({ type: 'stop', ms: 25 }), [
      { type: 'drain', ms: 25 },
      { type: 'timer', ms: 25 },
    ]);
    assert.deepEqual(step(impatient), [{ type: 'kill' }]);
    assert.deepEqual(step(impatient), []);
    assert.deepEqual(step(exited), [{ type: 'over', failure: undefined }]);
  }
});

test('a process that drains in time is not killed', () => {
  const step = living();
  step({ type: 'stop', ms: 25 });
  assert.deepEqual(step(exited), [{ type: 'over', failure: undefined }]);
});

test('what is not up has nothing to drain', () => {
  const starting = drive(newLife('node', true));
  starting({ type: 'begin' });
  assert.deepEqual(starting({ type: 'stop', ms: 25 }), [{ type: 'kill' }]);
  assert.deepEqual(starting({ type: 'ready' }), []);
  assert.deepEqual(starting(exited), [{ type: 'over', failure: undefined }]);

  const waiting = living();
  waiting(exited);
  assert.deepEqual(waiting({ type: 'stop', ms: 25 }), [{ type: 'over', failure: undefined }]);
});

test('after its end nothing happens any more', () => {
  const step = living(false);
  step(exited);
  const events: LifeEvent[] = [{ type: 'begin' }, { type: 'ready' }, failed, exited, { type: 'timer' }];
  for (const event of [...events, { type: 'stop', ms: 1 } as const]) assert.deepEqual(step(event), []);
});
