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

// 163 of 200 failed: the thread of the first failure failed the next ones fastest.
test('a module that failed to load once fails one task, and no thread for good', limit, async () => {
  const found = await output({
    'flaky.js': `
import { existsSync, writeFileSync } from 'node:fs';
if (!existsSync('loaded-before')) { writeFileSync('loaded-before', ''); throw new Error('not yet'); }
export const double = (x) => x * 2;`,
    'never.js': `
import { isMainThread } from 'node:worker_threads';
if (!isMainThread) throw new Error('never in a thread');
export const double = (x) => x * 2;`,
    'main.js': `
import { rmSync, writeFileSync } from 'node:fs';
import { get, init, remote, shutdown } from 'mobula';
writeFileSync('loaded-before', '');
const { double } = await import('./flaky.js');
const { double: never } = await import('./never.js');
rmSync('loaded-before');
let threads = 0;
await init({ numCpus: 2 });
const long = remote(() => new Promise((resolve) => setTimeout(resolve, 500, 'long')), { numCpus: 0.1 });
const longs = [long.remote(), long.remote()];
const failures = async (f, n) => (await Promise.allSettled(Array.from({ length: n }, (_, i) => get(f.remote(i))))).filter(({ status }) => status === 'rejected').length;
const once = await failures(remote((n) => double(n)), 200);
const kept = await get(longs);
process.on('worker', () => threads++);
const always = await failures(remote((n) => never(n)), 1000);
await shutdown();
console.log(JSON.stringify({ few: once > 0 && once <= 4, kept, always, bounded: threads <= 20 }));`,
  });
  assert.deepEqual(found, { few: true, kept: ['long', 'long'], always: 1000, bounded: true });
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
