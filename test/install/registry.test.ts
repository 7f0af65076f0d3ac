import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { platform } from '../../src/native/platform.ts';
import { examplesOf } from '../support/examples.ts';
import { nodeProgram, nodes, type Outcome, Project, root, tarballs, version } from './machine.ts';

/** Only a hang takes longer. */
const limit = { timeout: 300_000 };

const folder = mkdtempSync(join(tmpdir(), 'mobula-registry-'));
let registry: ChildProcess | undefined;
let address = '';

/** A port of the loopback that is free now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Whoever can reach it may publish, and it asks no other registry. */
const config = `
storage: ./storage
auth: { htpasswd: { file: ./htpasswd } }
uplinks: {}
packages: { '**': { access: $all, publish: $all } }
log: { type: stdout, format: pretty, level: warn }
`;

async function startRegistry(): Promise<void> {
  writeFileSync(join(folder, 'config.yaml'), config);
  address = `127.0.0.1:${await freePort()}`;
  const program = join(root, 'test/install/registry/node_modules/verdaccio/bin/verdaccio');
  // It needs a newer Node than mobula does.
  const child = spawn(
    nodeProgram(nodes['24']),
    [program, '--config', join(folder, 'config.yaml'), '--listen', address],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  registry = child;
  let said = '';
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`the registry ended with ${code}:\n${said}`)));
  });
  const listens = new Promise<void>((resolve) => {
    const hear = (text: Buffer): void => {
      said += text.toString();
      if (said.includes('http address')) resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
  });
  await Promise.race([listens, ended]);
  ended.catch(() => {});
}

function output(outcome: Outcome): string {
  assert.equal(outcome.code, 0, outcome.errors + outcome.output);
  return outcome.output;
}

/** A project that knows of no other registry, and may publish to this one. */
function project(node: string): Project {
  const parent = mkdtempSync(join(folder, 'project-'));
  const made = new Project(parent, nodeProgram(node));
  made.write(
    '.npmrc',
    `registry=http://${address}/\n//${address}/:_authToken=anyone\ncache=${join(folder, 'cache')}\n`,
  );
  return made;
}

before(async () => {
  await startRegistry();
  const publisher = project(nodes['24']);
  const dependencies = join(folder, 'dependencies');
  mkdirSync(dependencies);
  for (const name of ['acorn', 'tinypool']) {
    // Without its scripts, which are those of its developers.
    execFileSync('npm', [
      'pack',
      '--ignore-scripts',
      '--loglevel=error',
      '--pack-destination',
      dependencies,
      join(root, 'node_modules', name),
    ]);
  }
  const packages = [
    ...readdirSync(dependencies).map((file) => join(dependencies, file)),
    tarballs.platform(platform()),
    tarballs.mobula,
  ];
  for (const tarball of packages) output(publisher.npm(['publish', tarball, '--access', 'public']));
}, limit);

after(() => {
  registry?.kill();
  rmSync(folder, { recursive: true, force: true });
});

for (const node of [nodes['20'], nodes['26']]) {
  test(`"npm install mobula" brings the binary of this platform on Node ${node}`, limit, () => {
    const made = project(node);
    output(made.npm(['install', 'mobula', '--ignore-scripts', '--allow-git=none']));
    const installed = readdirSync(join(made.folder, 'node_modules/@mobula'));
    assert.deepEqual(installed, [`core-${platform()}`]);
    made.write(
      'quick.js',
      examplesOf('README.md').find(({ language, code }) => language === 'js' && code.includes('countPrimes'))?.code ??
        '',
    );
    assert.equal(output(made.node(['quick.js'])), '17984\n');
    const { ok, mobula } = JSON.parse(output(made.command('mobula', ['doctor', '--json']))) as {
      readonly ok: boolean;
      readonly mobula: string;
    };
    assert.deepEqual([ok, mobula], [true, version]);
  });
}

test('a binary that was left out is explained, and comes with a second install', limit, () => {
  const made = project(nodes['22']);
  output(made.npm(['install', 'mobula', '--ignore-scripts', '--omit=optional']));
  const broken = made.node(['--input-type=module', '--eval', "await import('mobula')"]);
  assert.match(broken.errors, /install without --omit=optional/);
  rmSync(join(made.folder, 'node_modules'), { recursive: true });
  output(made.npm(['install', `mobula@${version}`, '--ignore-scripts']));
  assert.match(output(made.command('mobula', ['doctor'])), /mobula works on this machine/);
});
