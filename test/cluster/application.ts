import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const mobula = fileURLToPath(new URL('../../../', import.meta.url));

/** A driver: node main.js <address> <resource …>. Runs each function where each resource is, and prints what came of it. */
const main = `
import { context, get, init, remote, shutdown } from 'mobula';
import { direct } from './lib/direct.js';
import { guess } from './legacy/entry.js';
import { packed } from 'pack';

const [address, ...places] = process.argv.slice(2);
await init({ address });
const times = (k) => remote((x) => x * k);
const [double, triple] = [times(2), times(3)];
const all = {
  double: remote(async () => double === triple ? 0 : 2 * 7),
  direct: remote((x = 7) => direct(x), { retryExceptions: true, maxRetries: -1 }),
  guess: remote((x = 7) => guess(x)),
  packed: remote((x = 7) => packed(x)),
  later: remote(async (x = 7) => (await import('./lib/later.js')).later(x)),
  nested: remote(async (x = 7) => get(remote((y) => direct(y)).remote(x))),
  where: remote(() => [import.meta.url, process.cwd()]),
};
const seen = {};
for (const place of places) {
  const there = { resources: { [place]: 0.001 } };
  const worker = remote(() => context().workerId).options(there);
  const first = await get(worker.remote());
  const here = { factors: await get([double, triple].map((f) => f.options(there).remote(7))) };
  const outcome = (ref) => get(ref).catch(({ name, code, message }) => ({ name, code, message }));
  for (const [name, fn] of Object.entries(all)) here[name] = await outcome(fn.options(there).remote());
  here.stayed = first === (await get(worker.remote()));
  seen[place] = here;
}
await shutdown();
console.log(JSON.stringify(seen));
`;

const files: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "application", "type": "module" }',
  'main.js': main,
  'lib/direct.js': "import { deep } from './deep.js';\nexport const direct = (x) => deep(x) + 1;\n",
  'lib/deep.js': 'export const deep = (x) => x * 10;\n',
  'lib/later.js': 'export const later = (x) => x + 5;\n',
  'legacy/package.json': '{ "type": "commonjs" }',
  'legacy/entry.js': "const { choice } = require('./choice');\nexports.guess = (x) => choice(x);\n",
  'legacy/choice/index.js': 'exports.choice = (x) => x - 1;\n',
  'node_modules/pack/package.json': '{ "name": "pack", "version": "1.0.0", "type": "module", "main": "index.js" }',
  'node_modules/pack/index.js': 'export const packed = (x) => x + 100;\n',
};

/** The folder of an application, which goes with the test. `changes`: other texts of files; undefined: not there. */
export function application(t: TestContext, changes: Readonly<Record<string, string | undefined>> = {}): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'mobula-application-')));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [file, text] of Object.entries({ ...files, ...changes })) {
    if (text === undefined) continue;
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  symlinkSync(mobula, join(root, 'node_modules/mobula'));
  return root;
}
