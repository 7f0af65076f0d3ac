import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { platform } from '../../src/native/platform.ts';
import { examplesOf } from '../support/examples.ts';
import {
  fillNpmCache,
  nodeProgram,
  nodes,
  type Outcome,
  oldNode,
  Project,
  tarballs,
  tools,
  version,
} from './machine.ts';

/** Only a hang takes longer, or a network that stands still. */
const limit = { timeout: 300_000 };
const name = platform();
const both = [tarballs.mobula, tarballs.platform(name)];
const [javascript, typescript] = [
  examplesOf('README.md').find(({ language, code }) => language === 'js' && code.includes('countPrimes')),
  examplesOf('README.md').find(({ language }) => language === 'ts'),
];

let parent = '';
before(() => {
  parent = mkdtempSync(join(tmpdir(), 'mobula-install-'));
  fillNpmCache();
}, limit);
after(() => rmSync(parent, { recursive: true, force: true }));

/** A case of `mobula microbenchmark --json`. */
interface Measured {
  readonly name: string;
  readonly rate: { readonly mean: number };
}

let projects = 0;
/** Has something done in an empty project. */
function inProject(node: string, act: (project: Project) => void): void {
  const project = new Project(mkdtempSync(join(parent, `${projects++}-`)), nodeProgram(node));
  try {
    act(project);
  } finally {
    project.remove();
  }
}

/** The output of what must end well. */
function output(outcome: Outcome): string {
  assert.equal(outcome.code, 0, outcome.errors + outcome.output);
  return outcome.output;
}

for (const node of Object.values(nodes)) {
  test(`README's first examples run from the packages on Node ${node}`, limit, () => {
    inProject(node, (project) => {
      output(project.install([...both, ...tools]));
      project.write('quick.js', javascript?.code ?? '');
      assert.equal(output(project.node(['quick.js'])), '17984\n');
      project.write('quick.ts', typescript?.code ?? '');
      // What README says: Node strips types by itself, or tsx does.
      const run = node.startsWith('20.') ? ['node_modules/tsx/dist/cli.mjs', 'quick.ts'] : ['quick.ts'];
      assert.equal(output(project.node(run)), '5\n6\n');
      const strict = ['--noEmit', '--strict', '--module', 'nodenext', '--types', 'node', '--target', 'es2022'];
      output(project.node(['node_modules/typescript/bin/tsc', ...strict, 'quick.ts']));
      assert.match(
        output(project.command('mobula', ['doctor'])),
        /\(package\)[\s\S]*mobula works on this machine\.\n$/,
      );
      const measured = project.command('mobula', [
        'microbenchmark',
        '--quick',
        '--json',
        '--filter',
        'tasks sync|in and out',
      ]);
      const { results } = JSON.parse(output(measured)) as { readonly results: readonly Measured[] };
      assert.deepEqual(
        results.map(({ name, rate }) => [name, rate.mean > 0]),
        [
          ['single client tasks sync', true],
          ['task with an object of 5 fields in and out', true],
        ],
      );
    });
  });
}

test('of what is installed with mobula, nothing has a script that npm would run', limit, () => {
  inProject(nodes['24'], (project) => {
    output(project.install(both));
    const installed = readdirSync(join(project.folder, 'node_modules')).filter((one) => !one.startsWith('.'));
    assert.deepEqual(installed.sort(), ['@mobula', 'acorn', 'mobula']);
    const scripted = ':attr(scripts, [preinstall]), :attr(scripts, [install]), :attr(scripts, [postinstall])';
    assert.equal(output(project.npm(['query', scripted])).trim(), '[]');
  });
});

test('without the package of the platform, the error says how to get it', limit, () => {
  inProject(nodes['24'], (project) => {
    output(project.install([tarballs.mobula]));
    const { code, errors } = project.node(['--input-type=module', '--eval', "await import('mobula')"]);
    assert.equal(code, 1);
    assert.match(errors, /code: 'ERR_MOBULA_BINARY'/);
    assert.match(
      errors,
      new RegExp(`found no binary that works on ${name}, Node v24\\.21\\.0, (glibc [\\d.]+|musl)\\. Tried:`),
    );
    assert.match(errors, new RegExp(`@mobula/core-${name}: not there\n`));
    assert.match(errors, new RegExp(`install without --omit=optional.*"npm install mobula@${version}"`));
    const doctor = project.command('mobula', ['doctor', '--json']);
    assert.equal(doctor.code, 1);
    assert.equal((JSON.parse(doctor.output) as { readonly ok: boolean }).ok, false);
  });
});

test('a binary of another version is refused', limit, () => {
  inProject(nodes['24'], (project) => {
    output(project.install(both));
    // The JavaScript becomes that of another version: the binary knows its own.
    const folder = join(project.folder, 'node_modules/mobula/dist/boot');
    let changed = 0;
    for (const file of readdirSync(folder).filter((one) => one.endsWith('.cjs'))) {
      // The bundler may break a line inside of a text.
      const text = readFileSync(join(folder, file), 'utf8').replaceAll('\\\n', '');
      const other = text.replace(`version="${version}"`, `version="9.8.7"`);
      if (other !== text) changed++;
      writeFileSync(join(folder, file), other);
    }
    assert.equal(changed, 1);
    const { code, errors } = project.node(['--input-type=module', '--eval', "await import('mobula')"]);
    assert.equal(code, 1);
    assert.match(errors, new RegExp(`@mobula/core-${name}: its version is ${version.replaceAll('.', '\\.')}\n`));
    assert.match(errors, /must have the same version: run "npm install mobula@9\.8\.7"/);
  });
});

test('a Node that is too old is told so', limit, () => {
  inProject(nodes['24'], (project) => {
    output(project.install(both));
    const old = new Project(mkdtempSync(join(parent, 'old-')), nodeProgram(oldNode));
    const { code, errors } = old.node([join(project.folder, 'node_modules/mobula/dist/index.js')]);
    assert.equal(code, 1);
    assert.match(errors, /mobula [\d.]+ needs Node 20\.19 or later; this is v18\.20\.8\. Install a newer Node/);
  });
});

test('the packages are small and hold only what runs', limit, () => {
  const sizes = both.map((tarball) => statSync(tarball).size);
  // 60 kB of it are the processes of a head, with ws and msgpackr in them.
  assert.ok((sizes[0] ?? 0) < 500_000, `${tarballs.mobula} has ${sizes[0]} bytes`);
  const list = (tarball: string): string[] =>
    execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n');
  for (const file of list(tarballs.mobula)) {
    assert.match(
      file,
      /^package\/(dist\/[\w./-]+\.(c?js|d\.ts|c?js\.map)|docs\/[\w-]+\.md|package\.json|README\.md|LICENSE)$/,
    );
    assert.doesNotMatch(file, /\/(examples|test|target)\//);
  }
  assert.deepEqual(list(tarballs.platform(name)).sort(), [
    `package/README.md`,
    `package/mobula.${name}.node`,
    'package/package.json',
  ]);
});

test('the binary is small and needs no C library newer than glibc 2.17', limit, () => {
  const folder = mkdtempSync(join(parent, 'binary-'));
  execFileSync('tar', ['-xzf', tarballs.platform(name), '-C', folder]);
  const binary = join(folder, `package/mobula.${name}.node`);
  // A quarter of it is TLS, for large values between machines.
  assert.ok(statSync(binary).size < 4_200_000, `${binary} has ${statSync(binary).size} bytes`);
  // The versions of symbols that it asks for stand in it as text.
  const needed = new Set(
    readFileSync(binary)
      .toString('latin1')
      .match(/GLIBC_2\.\d+/g),
  );
  assert.ok(needed.size > 0);
  for (const symbol of needed) assert.ok(Number(symbol.slice('GLIBC_2.'.length)) <= 17, `${symbol} is newer`);
});
