import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import test from 'node:test';
import { Application } from '../support/application.ts';

const limit = { timeout: 120_000 };
const body = (load: string, wait: string): string => `
${load}
const factor = 5;
const ask = remote((n) => [n * factor, process.argv.slice(1), process.execArgv.at(-1)?.length > 0]);
${wait}
`;
const esm = body(
  "import { get, remote, shutdown } from 'mobula';",
  'console.log(JSON.stringify(await get(ask.remote(2)))); await shutdown();',
);
const commonJs = body(
  "const { get, remote, shutdown } = require('mobula');",
  'get(ask.remote(2)).then((value) => console.log(JSON.stringify(value))).then(() => shutdown());',
);

/** How a program that is no file is started: flags, and the program itself on stdin if it is not among them. */
const forms: readonly (readonly [name: string, args: readonly string[], env?: Record<string, string>])[] = [
  ['--input-type=module -e', ['--input-type=module', '-e', esm]],
  ['--input-type module --eval', ['--input-type', 'module', '--eval', esm]],
  [
    'with flags of the process',
    ['--max-old-space-size=500', '--stack-trace-limit=20', '--input-type=module', '-e', esm],
  ],
  ['-e', ['-e', commonJs]],
  ['-p', ['-p', commonJs]],
];

// No worker started, and the error said that the runtime had been shut down.
for (const [name, args] of forms) {
  test(`a program given by ${name}: its functions run, and see its arguments`, limit, async () => {
    using application = new Application({});
    const { code, output, errors } = await application.node([...args, '--', 'one', '--two']);
    assert.equal(code, 0, output + errors);
    const line = output.split('\n').find((each) => each.startsWith('['));
    assert.deepEqual(JSON.parse(line ?? 'null'), [10, ['one', '--two'], true], output + errors);
  });
}

test('flags of the environment and modules to load first reach the workers', limit, async () => {
  using application = new Application({
    'first.cjs': 'globalThis.first = "first";',
    'second.mjs': 'globalThis.second = "second";',
    '.env': 'FROM_FILE=third',
    'main.js': `
import { get, remote, shutdown } from 'mobula';
const ask = remote(() => [globalThis.first, globalThis.second, process.env.FROM_FILE, process.env.NODE_OPTIONS, process.argv.at(-1)]);
console.log(JSON.stringify(await get(ask.remote())));
await shutdown();
`,
  });
  const options = '--stack-trace-limit=30';
  const flags = ['--require', './first.cjs', '--import', './second.mjs', '--env-file=.env', 'main.js', 'last'];
  const { code, output, errors } = await application.node(flags, { NODE_OPTIONS: options });
  assert.equal(code, 0, output + errors);
  assert.deepEqual(JSON.parse(output), ['first', 'second', 'third', options, 'last']);
});

test('where no worker can start, errors say why', limit, async () => {
  using application = new Application({
    // Only in threads, as a module that is loaded first might.
    'first.cjs': `if (!require('node:worker_threads').isMainThread) throw new Error('not in a thread of mine');`,
    'main.js': `
import { get, put, remote } from 'mobula';
const ask = remote(() => 1);
for (const attempt of [() => get(ask.remote()), () => get(ask.remote()), () => put(1)]) {
  try {
    await attempt();
    console.log('done');
  } catch (error) {
    console.log(error.code, error.message.includes('not in a thread of mine'));
  }
}
`,
  });
  const { code, output, errors } = await application.node(['--require', './first.cjs', 'main.js']);
  assert.equal(code, 0, output + errors);
  assert.equal(output, 'ERR_MOBULA_RUNTIME_CLOSED true\n'.repeat(3), errors);
});

/** Types at a prompt: each input when `seen` has come. Gives what was printed. */
async function typed(steps: readonly (readonly [seen: string, input: string])[]): Promise<string> {
  using application = new Application({});
  const child = spawn(process.execPath, ['-i'], { cwd: application.root, env: { ...process.env, NODE_OPTIONS: '' } });
  let [output, from, step] = ['', 0, 0];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    for (;;) {
      const [seen, input] = steps[step] ?? [];
      const at = seen === undefined ? -1 : output.indexOf(seen, from);
      if (at < 0 || seen === undefined) return;
      from = at + seen.length;
      step++;
      child.stdin.write(input ?? '');
    }
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.deepEqual([code, step], [0, steps.length], output);
  return output;
}

test('results in a REPL do not end it', limit, async () => {
  await typed([
    ['> ', "const { get, remote, shutdown } = require('mobula'); const twice = remote((n) => n * 2);\n"],
    ['> ', "get(twice.remote(2)).then((value) => console.log('first', value));\n"],
    ['first 4', "get(twice.remote(4)).then((value) => console.log('second', value));\n"],
    ['second 8', "shutdown().then(() => console.log('third')); 0\n"],
    ['third', '.exit\n'],
  ]);
});

// A `let` that a later line assigned kept its first value in workers, and `var`s and functions were not there.
test('what is typed at a prompt travels, and a later line that changes it is told of', limit, async () => {
  const say = (name: string, expression: string): string =>
    `(async () => ${expression})().then((v) => console.log('${name}=' + v), (e) => console.log('${name}=' + e.code)); 0\n`;
  const lines: readonly (readonly [input: string, seen: string])[] = [
    ["const { get, remote, shutdown } = require('mobula'); let x = 1; const sameLine = remote(() => x);\n", '> '],
    ['const byLet = remote(() => x); var y = 10; function add() { return x + y }\n', '> '],
    [
      'const byVar = remote(() => y); const byFunction = remote(() => add()); const nested = remote(() => get(byLet.remote()));\n',
      '> ',
    ],
    [
      'const own = remote(() => 7); const modules = remote(() => path.posix.sep + typeof fs.read + typeof require("node:os").cpus)\n',
      '> ',
    ],
    [
      'const itself = remote(async (n) => n === 0 ? 0 : n + await get(itself.remote(n - 1))); class Held { get() { return y } }\n',
      '> ',
    ],
    ['const Holder = remote(Held)\n', '> '],
    [
      say(
        'a',
        'get([sameLine.remote(), byLet.remote(), byVar.remote(), byFunction.remote(), nested.remote(), own.remote()])',
      ),
      'a=1,1,10,11,1,7',
    ],
    [
      say('b', 'get([sameLine.remote(), byLet.remote(), byVar.remote(), byFunction.remote(), itself.remote(3)])'),
      'b=1,1,10,11,6',
    ],
    [say('c', 'get([modules.remote(), Holder.remote().get.remote(), itself.remote(3)])'), 'c=/functionfunction,10,6'],
    ['x = 2; 0\n', '> '],
    [say('d', 'get(sameLine.remote())'), 'd=ERR_MOBULA_CAPTURE'],
    [say('e', 'get(byLet.remote())'), 'e=ERR_MOBULA_CAPTURE'],
    [say('f', 'get(nested.remote())'), 'f=ERR_MOBULA_CAPTURE'],
    [say('g', 'get(byFunction.remote())'), 'g=ERR_MOBULA_CAPTURE'],
    [
      say('h', 'get([byVar.remote(), own.remote(), remote(() => x).remote(), remote(() => add()).remote()])'),
      'h=10,7,2,12',
    ],
    ['y = 20; function add() { return -1 }\n', '> '],
    [say('i', 'get(byVar.remote())'), 'i=ERR_MOBULA_CAPTURE'],
    [say('j', 'get(Holder.remote().get.remote())'), 'j=ERR_MOBULA_CAPTURE'],
    [say('k', 'get([remote(() => y).remote(), remote(() => add()).remote()])'), 'k=20,-1'],
    [say('l', 'shutdown()'), 'l=undefined'],
    ['.exit\n', ''],
  ];
  await typed(lines.map(([input], i) => [lines[i - 1]?.[1] ?? '> ', input]));
});
