import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Application } from '../support/application.ts';

const limit = { timeout: 120_000 };

/** Runs a program; its lines. */
async function linesOf(application: Application, file: string): Promise<string[]> {
  const { code, output, errors } = await application.node([file]);
  assert.equal(code, 0, output + errors);
  return output.split('\n').slice(0, -1);
}

const told = `
const told = async (name, body) => {
  try {
    console.log(name, String(await body()));
  } catch (error) {
    console.log(name, error instanceof MobulaError ? error.code : error.stack);
  }
};
`;

// Raw TypeErrors of private fields, before.
test('a second copy of mobula is refused by name, and works once the first is down', limit, async () => {
  using application = new Application({
    'main.js': `
import * as a from 'mobula';
import * as b from './linked/mobula/dist/index.js';
const { MobulaError } = a;
${told}
await a.init({ numCpus: 1 });
const ref = a.put(1);
const handle = a.remote(class { m() { return 1; } }).remote();
await told('up', () => b.isInitialized());
await told('init', () => b.init());
await told('ignore', () => b.init({ ignoreReinit: true }));
await told('call', () => b.remote(() => 1).remote());
await told('get', () => b.get(ref));
await told('kill', () => b.kill(handle));
await told('shutdown', () => b.shutdown());
await told('still', () => a.get(a.remote(() => 2).remote()));
await a.shutdown();
await told('own', () => b.get(b.remote(() => 3).remote()));
await told('its ref', () => b.get(ref));
await told('as argument', () => b.remote((x) => x).remote(ref));
await told('its handle', () => b.kill(handle));
await told('first', () => a.put(1));
await b.shutdown();
await a.init({ numCpus: 1 });
await told('again', () => a.get(a.put(4)));
await a.shutdown();
`,
  });
  const modules = join(application.root, 'node_modules/mobula');
  cpSync(modules, join(application.root, 'linked/mobula'), { recursive: true });
  const other = 'ERR_MOBULA_OTHER_COPY';
  assert.deepEqual(await linesOf(application, 'main.js'), [
    'up false',
    ...['init', 'ignore', 'call', 'get', 'kill'].map((name) => `${name} ${other}`),
    'shutdown undefined',
    'still 2',
    'own 3',
    'its ref ERR_MOBULA_INVALID_ARGUMENT',
    'as argument ERR_MOBULA_SERIALIZATION',
    'its handle ERR_MOBULA_INVALID_ARGUMENT',
    `first ${other}`,
    'again 4',
  ]);
});

test('a second thread is told that the first has the runtime, and gets one when that is down', limit, async () => {
  using application = new Application({
    'main.js': `
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { get, init, put, shutdown } from 'mobula';
const thread = () => once(new Worker(new URL('./thread.js', import.meta.url)), 'exit');
await init({ numCpus: 1 });
await thread();
console.log('first', await get(put(1)));
await shutdown();
await thread();
// It has left its runtime as it was when it ended.
await init({ numCpus: 1 });
console.log('first', await get(put(2)));
await shutdown();
`,
    'thread.js': `
import { get, init, MobulaError, remote } from 'mobula';
${told}
await told('init', async () => (await init({ numCpus: 1 })).stats().workers);
await told('call', () => get(remote(() => 'done').remote()));
`,
  });
  const taken = 'ERR_MOBULA_ALREADY_INITIALIZED';
  assert.deepEqual(await linesOf(application, 'main.js'), [
    `init ${taken}`,
    `call ${taken}`,
    'first 1',
    'init 1',
    'call done',
    'first 2',
  ]);
});
