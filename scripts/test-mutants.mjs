// `npm run test:mutants`: plants each bug of `test/mutants/list.mjs` in a copy of the core, and shows that its test fails.
// Arguments after `--` choose bugs by a part of their names.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { mutants } from '../test/mutants/list.mjs';
import { root } from './run.mjs';

const folder = `${root}target/mutants`;
const tree = `${folder}/tree`;
/** Reached only by a test that hangs, which is caught as well. */
const LIMIT_MS = 120_000;

const kinds = {
  plain: {},
  loom: { RUSTFLAGS: '--cfg loom', LOOM_MAX_PREEMPTIONS: '2' },
  shuttle: { RUSTFLAGS: '--cfg shuttle' },
};

/** Copies what git knows of the core, so that nothing here touches the working tree. */
function copy() {
  rmSync(tree, { recursive: true, force: true });
  const files = execFileSync('git', ['ls-files', 'Cargo.toml', 'Cargo.lock', 'crates', 'native', 'bench/rust'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.split('\n').filter((name) => name !== '' && !name.endsWith('.node'))) {
    mkdirSync(dirname(`${tree}/${file}`), { recursive: true });
    cpSync(`${root}${file}`, `${tree}/${file}`);
  }
}

function cargo({ kind, args, filter }, more) {
  const command = ['test', '--locked', '--profile', 'checked', '--quiet', ...args, ...more];
  const { status, signal, stdout, stderr, error } = spawnSync(
    'cargo',
    filter === undefined ? command : [...command, '--', filter],
    {
      cwd: tree,
      encoding: 'utf8',
      timeout: filter === undefined ? undefined : LIMIT_MS,
      env: { ...process.env, ...kinds[kind], CARGO_TARGET_DIR: `${folder}/${kind}` },
    },
  );
  return { ok: status === 0, hangs: error?.code === 'ETIMEDOUT' || signal === 'SIGTERM', output: `${stdout}${stderr}` };
}

/** Whether the test fails with the bug in place; it must compile with it, and must have run. */
function caught({ file, from, to, by }) {
  const path = `${tree}/${file}`;
  const text = readFileSync(path, 'utf8');
  const parts = text.split(from);
  if (parts.length !== 2) return `its place occurs ${parts.length - 1} times in ${file}`;
  writeFileSync(path, parts.join(to));
  try {
    const built = cargo({ ...by, filter: undefined }, ['--no-run']);
    if (!built.ok) return `it does not compile:\n${built.output}`;
    const ran = cargo(by, []);
    if (ran.hangs) return 'caught';
    if (ran.ok) return 'no test fails';
    return /test result: FAILED|panicked at/.test(ran.output) ? 'caught' : `the test did not run:\n${ran.output}`;
  } finally {
    writeFileSync(path, text);
  }
}

copy();
const chosen = mutants.filter(({ name }) => process.argv.slice(2).every((part) => name.includes(part)));
let count = 0;
for (const mutant of chosen) {
  const outcome = caught(mutant);
  if (outcome === 'caught') count++;
  console.log(`${outcome === 'caught' ? 'caught' : 'MISSED'} ${mutant.name} (${mutant.by.kind} ${mutant.by.filter})`);
  if (outcome !== 'caught') console.error(outcome);
}
console.log(`mutants ${count} of ${chosen.length} caught`);
process.exitCode = count === chosen.length && count > 0 ? 0 : 1;
