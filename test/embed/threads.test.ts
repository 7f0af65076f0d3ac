import assert from 'node:assert/strict';
import test from 'node:test';
import { Application } from '../support/application.ts';

const limit = { timeout: 120_000 };

async function output(files: Record<string, string>, packages: readonly string[] = []): Promise<unknown> {
  using application = new Application(files);
  for (const name of packages) application.link(name);
  const { code, output: text, errors } = await application.node(['main.js']);
  assert.equal(code, 0, text + errors);
  return JSON.parse(text);
}

// A module whose threads write down each load of it that failed.
const flaky = (waits: string) => `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
const fails = !isMainThread && !existsSync(import.meta.url.slice(7) + '.loaded');
if (fails) writeFileSync(import.meta.url.slice(7) + '.loaded', '');
${waits}
if (fails) { appendFileSync('failed-loads', 'x'); throw new Error('not yet'); }
export const double = (x) => x * 2;
export class Doubler { double(x) { return x * 2; } }`;

const settle = `
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { context, get, init, remote, shutdown } from 'mobula';
const settle = async (refs) => {
  const outcomes = await Promise.allSettled(refs.map((ref) => get(ref)));
  const failed = outcomes.filter(({ status }) => status === 'rejected').length;
  const values = outcomes.filter(({ status }) => status === 'fulfilled').map(({ value }) => JSON.stringify(value));
  const loads = existsSync('failed-loads') ? readFileSync('failed-loads', 'utf8').length : 0;
  rmSync('failed-loads', { force: true });
  return { failed, kinds: [...new Set(values)], loads };
};`;

// Failed: 163 of 200, as the thread of the first failure failed the next ones fastest; all of 200, as they waited for a slow load;
// half of the actors, with the thread that they shared.
for (const [kind, waits] of [
  ['at once', ''],
  ['after 200 ms', 'await new Promise((resolve) => setTimeout(resolve, 200));'],
] as const) {
  test(`a module that fails ${kind}, once, fails no more tasks and actors than loads`, limit, async () => {
    const found = await output({
      'one.js': flaky(waits),
      'two.js': flaky(waits),
      'main.js': `
${settle}
const { double } = await import('./one.js');
const { Doubler } = await import('./two.js');
await init({ numCpus: 2 });
const long = remote(() => new Promise((resolve) => setTimeout(resolve, 1000, 'long')), { numCpus: 0.1 });
const longs = [long.remote(), long.remote()];
const task = remote((x) => [double(x), context().attempt], { maxRetries: 0 });
const tasks = await settle(Array.from({ length: 200 }, () => task.remote(1)));
const Actor = remote(class { #doubler = new Doubler(); double(x) { return this.#doubler.double(x); } });
const actors = Array.from({ length: 50 }, () => Actor.options({ numCpus: 0 }).remote());
const calls = await settle(actors.map((actor) => actor.double.remote(1)));
const kept = await get(longs);
await shutdown();
const fair = ({ failed, loads }) => loads >= 1 && failed <= loads && loads <= 2;
console.log(JSON.stringify({ kept, tasks: [fair(tasks) || tasks, tasks.kinds], calls: [fair(calls) || calls, calls.kinds] }));`,
    });
    assert.deepEqual(found, { kept: ['long', 'long'], tasks: [true, ['[2,1]']], calls: [true, ['2']] });
  });
}

test('a module that fails on every thread fails all that need it, by few threads', limit, async () => {
  const never = `
import { isMainThread } from 'node:worker_threads';
if (!isMainThread) { await new Promise((resolve) => setTimeout(resolve, 100)); throw new Error('never in a thread'); }
export const double = (x) => x * 2;
export class Doubler { double(x) { return x * 2; } }`;
  const found = await output({
    'one.js': never,
    'two.js': never,
    'main.js': `
${settle}
const { double } = await import('./one.js');
const { Doubler } = await import('./two.js');
await init({ numCpus: 2 });
let threads = 0;
process.on('worker', () => threads++);
const task = remote((x) => double(x));
const other = remote((x) => x);
const refs = Array.from({ length: 2000 }, () => task.remote(1));
const others = await settle(Array.from({ length: 100 }, () => other.remote(1)));
const tasks = await settle(refs);
const Actor = remote(class { #doubler = new Doubler(); double(x) { return this.#doubler.double(x); } });
const actors = Array.from({ length: 100 }, () => Actor.options({ numCpus: 0 }).remote());
const calls = await settle(actors.map((actor) => actor.double.remote(1)));
await shutdown();
console.log(JSON.stringify([others.failed, tasks.failed, calls.failed, threads <= 40 || threads]));`,
  });
  assert.deepEqual(found, [0, 2000, 100, true]);
});

// The thread that was to be replaced waited for a task that only its successor could run.
test('a task that waits on a thread with a broken module gets what it waits for', limit, async () => {
  const found = await output({
    'never.js': `
import { isMainThread } from 'node:worker_threads';
if (!isMainThread) throw new Error('never in a thread');
export const double = (x) => x * 2;`,
    'main.js': `
import { get, init, remote, shutdown } from 'mobula';
import { double } from './never.js';
await init({ numCpus: 1 });
const bad = remote((x) => double(x));
const good = remote((x) => x);
const parent = remote(async () => [await get(bad.remote(1)).catch(({ message }) => message.includes('never in a thread')), await get([1, 2, 3].map((x) => good.remote(x)))]);
const answer = await get(parent.remote());
await shutdown();
console.log(JSON.stringify(answer));`,
  });
  assert.deepEqual(found, [true, [1, 2, 3]]);
});

test('what a task enters in its async context is not seen by the next', limit, async () => {
  const found = await output({
    'store.js': `import { AsyncLocalStorage } from 'node:async_hooks'; export const als = new AsyncLocalStorage();`,
    'main.js': `
import { get, init, remote, shutdown } from 'mobula';
import { als } from './store.js';
await init({ numCpus: 1 });
const pause = () => new Promise((resolve) => setTimeout(resolve, 1));
const sync = remote((i) => { const seen = als.getStore(); als.enterWith(i); return seen ?? 'empty'; });
const early = remote(async (i) => { const seen = als.getStore(); als.enterWith(i); await null; return als.getStore() === i ? seen ?? 'empty' : 'lost'; });
const late = remote(async (i) => { const seen = als.getStore(); await pause(); als.enterWith(i); await null; return als.getStore() === i ? seen ?? 'empty' : 'lost'; });
const run = remote((i) => { const seen = als.getStore(); return als.run(i, async () => { await pause(); return als.getStore() === i ? seen ?? 'empty' : 'lost'; }); });
const seen = [];
for (let i = 1; i <= 50; i++) seen.push(...await get([sync, early, late, run].map((f) => f.remote(i))));
await shutdown();
console.log(JSON.stringify([seen.length, [...new Set(seen)]]));`,
  });
  assert.deepEqual(found, [200, ['empty']]);
});

const fakeClock = `const clock = createRequire(import.meta.url)('@sinonjs/fake-timers').install();`;
const importOfMobula = `const { get, init, kill, remote, shutdown } = await import('mobula');`;

// Jest installs its fakes before it loads what it tests.
for (const [when, lines] of [
  ['after', [importOfMobula, fakeClock]],
  ['before', [fakeClock, importOfMobula]],
] as const) {
  test(`fake timers installed ${when} mobula is loaded stop nothing of it, and run nothing of it`, limit, async () => {
    const found = await output(
      {
        'main.js': `
import { createRequire } from 'node:module';
${lines.join('\n')}
await init({ numCpus: 1 });
const twice = remote(async (n) => n * 2);
const own = remote(class { call() { return 'called'; } }).options({ isolation: 'thread' }).remote();
const values = [await get(twice.remote(1)), await get([2, 3].map((n) => twice.remote(n))), await get(own.call.remote())];
await clock.runAllAsync();
clock.tick(2 ** 31);
await kill(own);
values.push(await get(remote(() => process.exit(1)).options({ maxRetries: 1 }).remote()).catch((error) => error.code));
values.push(await get(twice.remote(4)));
await shutdown();
clock.uninstall();
console.log(JSON.stringify(values));`,
      },
      ['@sinonjs/fake-timers'],
    );
    assert.deepEqual(found, [2, [4, 6], 'called', 'ERR_MOBULA_WORKER_DIED', 8]);
  });
}
