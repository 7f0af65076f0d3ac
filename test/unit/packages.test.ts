import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { version } from '../../src/common/version.ts';
import { glibcFloor, nodeFloor, platforms } from '../../src/native/platform.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const text = (file: string): string => readFileSync(root + file, 'utf8');

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly engines?: { readonly node: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly main?: string;
  readonly files?: readonly string[];
  readonly napi?: { readonly targets: readonly string[] };
}
const manifest = (file: string): Manifest => JSON.parse(text(file)) as Manifest;
const mobula = manifest('package.json');

/** What npm runs by itself when a package is installed. */
const installScripts: readonly string[] = ['preinstall', 'install', 'postinstall'];

/** A target of Rust, as the packages name it. */
function platformOf(target: string): string {
  const [arch, , system, abi] = target.split('-');
  const names: Readonly<Record<string, string>> = { x86_64: 'x64', aarch64: 'arm64', windows: 'win32' };
  return [names[system ?? ''] ?? system, names[arch ?? ''] ?? arch, abi].filter((part) => part !== undefined).join('-');
}

test('JavaScript, addon and all packages have one version', () => {
  assert.equal(version, mobula.version);
  assert.match(text('Cargo.toml'), new RegExp(`^\\[workspace\\.package\\]\nversion = "${version}"$`, 'm'));
  const lock = manifest('package-lock.json') as Manifest & { readonly packages: Readonly<Record<string, Manifest>> };
  assert.equal(lock.version, version);
  // Without them npm ci refuses the lock file; npm adds no entry for what is not published yet.
  for (const name of platforms) assert.equal(lock.packages[`node_modules/@mobula/core-${name}`]?.version, version);
  const expected = Object.fromEntries(platforms.map((name) => [`@mobula/core-${name}`, version]));
  assert.deepEqual(mobula.optionalDependencies, expected);
});

test('each platform has a package that npm installs on that platform alone', () => {
  assert.deepEqual(readdirSync(`${root}npm`).sort(), [...platforms].sort());
  for (const platform of platforms) {
    const [os = '', cpu = '', abi] = platform.split('-');
    const found = manifest(`npm/${platform}/package.json`);
    assert.equal(found.name, `@mobula/core-${platform}`);
    assert.equal(found.version, version);
    assert.deepEqual([found.os, found.cpu], [[os], [cpu]]);
    assert.deepEqual(found.libc, [abi === 'gnu' ? 'glibc' : abi]);
    assert.equal(found.main, `mobula.${platform}.node`);
    assert.deepEqual(found.files, [found.main]);
    assert.deepEqual(found.engines, mobula.engines);
    assert.equal(found.scripts, undefined);
  }
});

test('one package comes with mobula, and nothing with it', () => {
  assert.deepEqual(Object.keys(mobula.dependencies ?? {}), ['acorn']);
  assert.equal(mobula.peerDependencies, undefined);
  const { dependencies, optionalDependencies, peerDependencies } = manifest('node_modules/acorn/package.json');
  assert.deepEqual({ ...dependencies, ...optionalDependencies, ...peerDependencies }, {});
});

test('nothing that is installed has a script that npm would run', () => {
  for (const file of ['package.json', 'node_modules/acorn/package.json']) {
    const scripts = Object.keys(manifest(file).scripts ?? {});
    assert.deepEqual(
      scripts.filter((script) => installScripts.includes(script)),
      [],
      file,
    );
  }
});

test('what the loader asks of Node is what the package says', () => {
  assert.equal(mobula.engines?.node, `>=${nodeFloor.join('.')}`);
});

interface Job {
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'continue-on-error'?: string;
  readonly strategy?: { readonly matrix: { readonly include: readonly Row[] } };
  readonly steps: readonly { readonly uses?: string; readonly run?: string; readonly with?: object }[];
}
interface Row {
  readonly target: string;
  readonly runner: string;
  readonly published?: boolean;
}
interface Workflow {
  readonly on: { readonly push: { readonly tags: readonly string[] } };
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<'check' | 'build' | 'try' | 'publish', Job>>;
}
const workflow = parse(text('.github/workflows/release.yml')) as Workflow;
const rows = (job: Job): readonly Row[] => job.strategy?.matrix.include ?? [];

test('the release builds every target, and publishes those that have a package', () => {
  const { build, try: trial } = workflow.jobs;
  assert.equal(mobula.napi?.targets.length, 8);
  assert.deepEqual(
    rows(build).map(({ target }) => target),
    mobula.napi?.targets,
  );
  const published = rows(build).filter((row) => row.published === true);
  assert.deepEqual(published.map(({ target }) => platformOf(target)).sort(), [...platforms].sort());
  assert.match(build['continue-on-error'] ?? '', /!matrix\.published/);
  // What is published was run first, where it is to run.
  assert.deepEqual(
    rows(trial).map(({ target, runner }) => [target, runner]),
    published.map(({ target, runner }) => [target, runner]),
  );
});

test('the release publishes from a tag, after all else, with an identity instead of a token', () => {
  assert.deepEqual(workflow.on, { push: { tags: ['v*'] } });
  assert.deepEqual(workflow.permissions, { contents: 'read' });
  const { publish } = workflow.jobs;
  assert.deepEqual(publish.needs, ['check', 'build', 'try']);
  assert.deepEqual(publish.permissions, { contents: 'read', 'id-token': 'write' });
  assert.doesNotMatch(text('.github/workflows/release.yml'), /secrets\.|_TOKEN/);
  assert.match(text('scripts/publish.mjs'), /'publish', tarball, '--access', 'public', '--provenance'/);
});

test('commands of the release exist', () => {
  for (const job of Object.values(workflow.jobs)) {
    for (const { run, uses } of job.steps) {
      if (uses !== undefined) assert.match(uses, /^[\w-]+\/[\w-]+@v\d+$/);
      for (const [, script] of (run ?? '').matchAll(/npm run (\S+)/g)) assert.ok(mobula.scripts?.[script ?? ''], run);
      for (const [, file] of (run ?? '').matchAll(/node (scripts\/\S+)/g)) assert.ok(text(file ?? ''));
    }
  }
});

test('nothing is published while a package is missing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mobula-publish-'));
  try {
    const { status, stderr } = spawnSync(process.execPath, [`${root}scripts/publish.mjs`, folder], {
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    for (const platform of platforms) assert.ok(stderr.includes(`mobula-core-${platform}-${version}.tgz`), stderr);
    assert.doesNotMatch(stderr, /> npm/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('README names the platforms and the C library that the binaries need', () => {
  const readme = text('README.md');
  for (const wanted of [`glibc ${glibcFloor}`, 'musl', 'x64', 'arm64']) assert.ok(readme.includes(wanted), wanted);
});
