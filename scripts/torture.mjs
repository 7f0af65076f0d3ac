// The long forms of the tests in test/chaos: `npm run chaos`, `torture`, `soak`, `poison`, `timeouts`. Each prints its figures.
// --node PATH runs it with that Node.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { root, tool } from './run.mjs';
import './build.mjs';

const [what, ...rest] = process.argv.slice(2);
const option = (name) => {
  const at = rest.indexOf(`--${name}`);
  return at < 0 ? undefined : rest.splice(at, 2)[1];
};
const node = option('node') ?? process.execPath;
tool('typescript/bin/tsc', ['-p', 'test/tsconfig.json']);

/** Runs one; gives how it ended and what it printed. */
async function run(file, args, flags = []) {
  const child = spawn(node, [...flags, `${root}.test-dist/test/torture/${file}.js`, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
    process.stdout.write(text);
  });
  const [code, signal] = await once(child, 'close');
  return { failed: code !== 0, signal, stdout };
}

/**
 * A small heap, so that the way of a full heap does not take seconds. And V8 of Node 24 and 26 keeps the pages of an isolate
 * that has ended for the next: more in one reading than in another. On 26 there is a flag against it, on 24 they go after 8 s.
 */
function forLives() {
  const options = execFileSync(node, ['--v8-options'], { encoding: 'utf8' });
  const small = '--max-old-space-size=32';
  if (options.includes('--memory-pool-share-memory-on-teardown ')) {
    return { flags: [small, '--no-memory-pool-share-memory-on-teardown'], settle: 1 };
  }
  return { flags: [small], settle: options.includes('--decommit-pooled-pages ') ? 10 : 1 };
}

/** Runs `lives` lives, shared out among one process per processor, and adds up their figures. */
async function runLives(lives) {
  const total = { lives: 0, signals: 0, failures: 0, pinsLeft: 0, bytes: 0 };
  const lanes = availableParallelism();
  const { flags, settle } = forLives();
  const lane = async (_, i) => {
    const share = Math.floor((lives + i) / lanes);
    const { failed, signal, stdout } = await run(
      'lives',
      ['--lives', String(share), '--settle', String(settle), ...rest],
      flags,
    );
    const figure = (name) => Number(new RegExp(` ${name}=(-?\\d+|NaN)`).exec(stdout)?.[1] ?? 0);
    if (signal !== null) total.signals++;
    if (failed) total.failures++;
    total.lives += figure('lives');
    total.pinsLeft += figure('pins_left');
    total.bytes += figure('bytes_per_life') * figure('lives');
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return total;
}

if (what === 'lives') {
  const wanted = Number(option('lives') ?? 10_000);
  const { lives, signals, failures, pinsLeft, bytes } = await runLives(wanted);
  const perLife = bytes / Math.max(1, lives);
  console.log(
    `total lives=${lives} of ${wanted} signals=${signals} pins_left=${pinsLeft} bytes_per_life=${perLife.toFixed(0)}`,
  );
  process.exitCode = failures > 0 || lives !== wanted || !(perLife < 1024) ? 1 : 0;
} else {
  process.exitCode = (await run(what, rest)).failed ? 1 : 0;
}
