import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import test from 'node:test';
import {
  context,
  get,
  init,
  put,
  remote,
  type StoreSpilled,
  shutdown,
  TaskError,
  type TaskSettled,
  type TaskSubmitted,
  type WorkerExited,
  type WorkerStarted,
} from 'mobula';
import { Application } from '../support/application.ts';
import { assertQuiet, limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

/** Collects what a channel tells while `body` runs, and until `done` says that it is enough. */
async function listen<Message>(
  name: string,
  body: () => Promise<unknown>,
  done: (messages: readonly Message[]) => boolean,
): Promise<Message[]> {
  const messages: Message[] = [];
  const collect = (message: unknown): void => {
    messages.push(message as Message);
  };
  subscribe(name, collect);
  try {
    await body();
    await until(
      () => done(messages),
      () => `${name} told ${JSON.stringify(messages)}`,
    );
  } finally {
    unsubscribe(name, collect);
  }
  return messages;
}

suite({ numCpus: 2, objectStoreMemory: '64MiB' });

const add = remote((a: number, b: number) => a + b, { name: 'add' });
const fail = remote(
  (): number => {
    throw new RangeError('too far');
  },
  { name: 'fail' },
);
const pair = remote(() => [1, 2], { name: 'pair', numReturns: 2 });
const count = remote(
  function* (n: number) {
    for (let i = 0; i < n; i++) yield i;
  },
  { name: 'count' },
);
class CounterClass {
  #n = 0;
  inc(): number {
    return ++this.#n;
  }
}
const Counter = remote(CounterClass);

test('mobula:task:submit tells of every task and call, as it is made', limit, async () => {
  let id = '';
  const messages = await listen<TaskSubmitted>(
    'mobula:task:submit',
    async () => {
      const ref = add.remote(1, 2);
      id = ref.id;
      const counter = Counter.remote();
      await get([ref, counter.inc.remote(), ...pair.remote()]);
      for await (const item of count.remote(2)) await get(item);
    },
    () => true,
  );
  assert.deepEqual(
    messages.map(({ name, kind }) => [name, kind]),
    [
      ['add', 'task'],
      ['CounterClass', 'actor'],
      ['CounterClass.inc', 'method'],
      ['pair', 'task'],
      ['count', 'task'],
    ],
  );
  assert.equal(messages[0]?.id, id);
});

test('mobula:task:settle tells how each ended, though nobody waits for it or its ref is released', limit, async () => {
  const messages = await listen<TaskSettled>(
    'mobula:task:settle',
    async () => {
      add.remote(1, 2)[Symbol.dispose]();
      fail.remote()[Symbol.dispose]();
      for (const ref of pair.remote()) ref[Symbol.dispose]();
      Counter.remote().inc.remote();
    },
    ({ length }) => length === 5,
  );
  const ended = new Map(messages.map(({ name, error, durationMs }) => [name, { error, durationMs }]));
  assert.deepEqual([...ended.keys()].sort(), ['CounterClass', 'CounterClass.inc', 'add', 'fail', 'pair']);
  for (const [name, { error, durationMs }] of ended) {
    assert.ok(durationMs >= 0);
    assert.equal(error instanceof TaskError, name === 'fail', name);
  }
});

test('what is told of is not kept', limit, async () => {
  await listen<TaskSettled>(
    'mobula:task:settle',
    async () => {
      for (let i = 0; i < 100; i++) put(new Float64Array(10_000));
      for (let i = 0; i < 100; i++) add.remote(i, i);
    },
    ({ length }) => length === 100,
  );
  await assertQuiet();
});

test('mobula:store:spill tells when objects were written to disk', limit, async () => {
  const messages = await listen<StoreSpilled>(
    'mobula:store:spill',
    async () => {
      const refs = Array.from({ length: 12 }, (_, i) => put(new Float64Array(2 ** 20).fill(i)));
      for (const [i, ref] of refs.entries()) assert.equal((await get(ref))[0], i);
      for (const ref of refs) ref[Symbol.dispose]();
    },
    (all) => all.some(({ spills }) => spills > 0),
  );
  const { capacity, spilled } = messages[0] ?? { capacity: 0, spilled: 0 };
  assert.equal(capacity, 64 * 2 ** 20);
  assert.ok(spilled > 0);
});

test('mobula:worker:start and mobula:worker:exit tell of a thread that died, and of its successor', limit, async () => {
  // The thread that dies leaves its number: the last eight digits of its name.
  const thread = new Int32Array(new SharedArrayBuffer(4));
  const die = remote(
    (mine: Int32Array): number => {
      Atomics.store(mine, 0, Number.parseInt(context().workerId.slice(-8), 16));
      process.exit(3);
    },
    { maxRetries: 0 },
  );
  let started: WorkerStarted[] = [];
  const exited = await listen<WorkerExited>(
    'mobula:worker:exit',
    async () => {
      started = await listen<WorkerStarted>(
        'mobula:worker:start',
        () => get(die.remote(thread)).catch(() => undefined),
        ({ length }) => length === 1,
      );
    },
    ({ length }) => length === 1,
  );
  assert.deepEqual([exited[0]?.expected, exited[0]?.runs], [false, 'tasks']);
  assert.equal(exited[0]?.workerId, `${context().nodeId}${thread[0]?.toString(16).padStart(8, '0')}`);
  assert.match(exited[0]?.details ?? '', /exit code 3/);
  assert.equal(started[0]?.runs, 'tasks');
});

test('threads that end with the runtime are expected to', limit, async () => {
  await shutdown();
  await init({ numCpus: 2 });
  await get(add.remote(1, 1));
  const exited = await listen<WorkerExited>(
    'mobula:worker:exit',
    () => shutdown(),
    ({ length }) => length > 0,
  );
  assert.ok(exited.every(({ expected }) => expected));
});

test('who listens to ends does not keep the program alive', limit, async () => {
  using application = new Application({
    'main.js': `
import { subscribe } from 'node:diagnostics_channel';
import { remote } from 'mobula';
subscribe('mobula:task:settle', () => undefined);
remote(() => { for (;;); }).remote();
console.log('leaving');
`,
  });
  const { code, signal, output, errors } = await application.node(['main.js']);
  assert.deepEqual({ code, signal, output, errors }, { code: 0, signal: null, output: 'leaving\n', errors: '' });
});
