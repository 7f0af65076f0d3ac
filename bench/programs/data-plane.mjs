/** 1 GiB over TCP between two processes of `bench/rust/examples/net.rs`: from store to store, with TLS, or bare. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { check, parameters, report } from '../lib/child.mjs';
import { buildModule, root } from '../lib/transport.mjs';

const { system } = parameters;

const built = spawnSync(
  'cargo',
  ['build', '--release', '--locked', '--quiet', '-p', 'mobula-bench', '--example', 'net'],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  },
);
check(built.status === 0, 'cargo did not build the program');

/** The files of a key pair as nodes have it. */
async function identity() {
  const { identityOf } = await import(
    await buildModule({ entryPoints: [`${root}src/transport/proof/certificate.ts`] })
  );
  const { key, certificate } = identityOf('benchmark');
  const folder = mkdtempSync(join(root, 'target/identity-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = (name, pem) => {
    const path = join(folder, name);
    writeFileSync(path, Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64'));
    return path;
  };
  return { NET_KEY: file('key', key), NET_CERTIFICATE: file('certificate', certificate) };
}

const environment = { ...process.env, ...(system === 'tls' ? await identity() : {}) };
const start = (...args) =>
  spawn(join(root, 'target/release/examples/net'), [system, ...args], {
    env: environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
const line = async (child) => (await once(createInterface(child.stdout), 'line'))[0];

const server = start('serve');
const puller = start('pull', await line(server));
report(JSON.parse(await line(puller)));
server.stdin.end();
await once(server, 'exit');
