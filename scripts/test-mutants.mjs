// `npm run test:mutants`: plants each bug of `test/mutants/list.mjs` in a copy of the core, and shows that its test fails.
// Arguments after `--` choose bugs by a part of their names.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { mutants } from '../test/mutants/list.mjs';
import { install, root, run, tool } from './run.mjs';

const folder = `${root}target/mutants`;
const tree = `${folder}/tree`;
/** Reached only by a test that hangs, which is caught as well. */
const LIMIT_MS = 120_000;

const kinds = {
  plain: {},
  model: {},
  loom: { RUSTFLAGS: '--cfg loom', LOOM_MAX_PREEMPTIONS: '2' },
  // Some bugs show in one order of 500.
  shuttle: { RUSTFLAGS: '--cfg shuttle', MOBULA_SHUTTLE_ITERATIONS: '5000' },
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

/** Runs a command in the copy, at most for `timeout` milliseconds. */
function inTree(command, args, kind, { timeout, env } = {}) {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    cwd: tree,
    encoding: 'utf8',
    timeout,
    env: { ...process.env, ...kinds[kind], CARGO_TARGET_DIR: `${folder}/${kind}`, ...env },
  });
  return { ok: status === 0, hangs: error?.code === 'ETIMEDOUT' || signal === 'SIGTERM', output: `${stdout}${stderr}` };
}

const cargo = ['--locked', '--profile', 'checked', '--quiet'];

/** Builds what runs a test. */
function build({ kind, args }) {
  if (kind === 'model') return inTree('cargo', ['build', ...cargo, '-p', 'mobula-native'], kind);
  return inTree('cargo', ['test', ...cargo, ...args, '--no-run'], kind);
}

/** Runs a test that is built: cargo's, or one of JavaScript with the addon. */
function test({ kind, args, filter }) {
  if (kind !== 'model') return inTree('cargo', ['test', ...cargo, ...args, '--', filter], kind, { timeout: LIMIT_MS });
  const addon = `${folder}/mobula.node`;
  copyFileSync(`${folder}/${kind}/checked/libmobula_native.so`, addon);
  const file = `${root}.test-dist/${filter}`;
  return inTree(process.execPath, [file], kind, { timeout: LIMIT_MS, env: { MOBULA_BINARY: addon } });
}

/** Whether the test fails with the bug in place; it must compile with it, and must have run. */
function caught({ file, from, to, by }) {
  const path = `${tree}/${file}`;
  const text = readFileSync(path, 'utf8');
  const parts = text.split(from);
  if (parts.length !== 2) return `its place occurs ${parts.length - 1} times in ${file}`;
  writeFileSync(path, parts.join(to));
  try {
    const built = build(by);
    if (!built.ok) return `it does not compile:\n${built.output}`;
    const ran = test(by);
    if (ran.hangs) return 'caught';
    if (ran.ok) return 'no test fails';
    return /test result: FAILED|panicked at|# fail [1-9]|ℹ fail [1-9]/.test(ran.output)
      ? 'caught'
      : `the test did not run:\n${ran.output}`;
  } finally {
    writeFileSync(path, text);
  }
}

copy();
install();
run(process.execPath, [`${root}scripts/build-js.mjs`]);
tool('typescript/bin/tsc', ['-p', 'test/tsconfig.json']);
const chosen = mutants.filter(({ name }) => process.argv.slice(2).every((part) => name.includes(part)));
// A test that fails anyway shows nothing.
const tests = new Map(chosen.map(({ by }) => [JSON.stringify(by), by]));
for (const by of tests.values()) {
  const built = build(by);
  const ran = built.ok ? test(by) : built;
  if (ran.ok) continue;
  console.error(`without a bug: ${by.filter} fails\n${ran.output}`);
  process.exit(1);
}
let count = 0;
for (const mutant of chosen) {
  const outcome = caught(mutant);
  if (outcome === 'caught') count++;
  console.log(`${outcome === 'caught' ? 'caught' : 'MISSED'} ${mutant.name} (${mutant.by.kind} ${mutant.by.filter})`);
  if (outcome !== 'caught') console.error(outcome);
}
console.log(`mutants ${count} of ${chosen.length} caught`);
process.exitCode = count === chosen.length && count > 0 ? 0 : 1;
