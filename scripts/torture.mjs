// The long forms of the tests in test/chaos: `npm run chaos`, `npm run torture`, `npm run soak`. Each prints its figures.
// --node PATH runs it with that Node. Worker lives run in processes of at most 500, and the figures of all are added up.
import { spawnSync } from 'node:child_process';
import { root, tool } from './run.mjs';
import './build.mjs';

const [what, ...rest] = process.argv.slice(2);
const option = (name) => {
  const at = rest.indexOf(`--${name}`);
  return at < 0 ? undefined : rest.splice(at, 2)[1];
};
const node = option('node') ?? process.execPath;
tool('typescript/bin/tsc', ['-p', 'test/tsconfig.json']);

/** Runs one; gives its status and what it printed. */
function run(file, args, flags = []) {
  const { status, signal, stdout } = spawnSync(node, [...flags, `${root}.test-dist/test/torture/${file}.js`, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  process.stdout.write(stdout);
  return { failed: status !== 0, signal, stdout };
}

if (what === 'lives') {
  const lives = Number(option('lives') ?? 10_000);
  const [total, failures] = [{ lives: 0, signals: 0, pins_left: 0, bytes: 0 }, []];
  for (let left = lives; left > 0; left -= 500) {
    const batch = Math.min(left, 500);
    // A small heap, so that the way of a full heap does not take seconds.
    const { failed, signal, stdout } = run('lives', ['--lives', String(batch), ...rest], ['--max-old-space-size=48']);
    const figure = (name) => Number(new RegExp(` ${name}=(-?\\d+)`).exec(stdout)?.[1] ?? 0);
    if (signal !== null) total.signals++;
    if (failed) failures.push(stdout);
    total.lives += figure('lives');
    total.pins_left += figure('pins_left');
    total.bytes += figure('bytes_per_life') * figure('lives');
  }
  const perLife = total.lives === 0 ? 0 : total.bytes / total.lives;
  console.log(
    `total lives=${total.lives} of ${lives} signals=${total.signals} pins_left=${total.pins_left} bytes_per_life=${perLife.toFixed(0)}`,
  );
  process.exitCode = failures.length > 0 || total.lives !== lives || perLife >= 1024 ? 1 : 0;
} else {
  process.exitCode = run(what, rest).failed ? 1 : 0;
}
