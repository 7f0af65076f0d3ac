import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { type Ending, Program } from '../support/program.ts';

const long = { timeout: 120_000 };
const MIB = 2 ** 20;

async function run(
  mode: string,
  args: readonly string[] = [],
  how: ConstructorParameters<typeof Program>[2] = {},
): Promise<Ending> {
  return new Program('faults', [mode, ...args], how).end(100_000);
}

function lines({ output, errors, signal }: Ending): string[] {
  assert.equal(signal, null, `${output}\n${errors}`);
  return output.trimEnd().split('\n');
}

/** Runs a program in a mount namespace of its own, after `setUp`; undefined where that is not allowed. */
function mounted(setUp: string): readonly string[] | undefined {
  try {
    execFileSync('unshare', ['-m', 'sh', '-c', setUp], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return ['unshare', '-m', 'sh', '-c', `${setUp} && exec "$@"`, 'sh'];
}

test('a heap that V8 finds full ends its thread only', long, async () => {
  const [error, neighbours, next] = lines(await run('heap', [], { node: ['--max-old-space-size=96'] }));
  assert.match(String(error), /died in its only attempt: it ran out of memory/);
  assert.equal(neighbours, '0,2,4,6,8,10,12,14,16,18');
  assert.equal(next, '8');
});

test(
  'one array larger than the heap ends the thread, or the process if V8 gives up, and nothing is left of it',
  long,
  async () => {
    const { code, signal, output, errors, spilled } = await run('array', [], { node: ['--max-old-space-size=96'] });
    if (code === 0) {
      assert.equal(output, 'begins\nERR_MOBULA_WORKER_DIED\n');
    } else {
      assert.equal(output, 'begins\n');
      assert.ok(signal === 'SIGABRT' || code === 134, `${code} ${signal}`);
      assert.match(errors, /JavaScript heap out of memory/);
    }
    assert.deepEqual(spilled, []);
  },
);

test('what tasks throw or reject too late is a warning, and their values count', long, async () => {
  const ending = await run('late');
  const [values, error] = lines(ending);
  assert.equal(values, 'returned undefined');
  assert.match(String(error), /while it runs/);
  for (const text of ['thrown too late', 'nobody handles this']) {
    assert.match(ending.errors, new RegExp(`MobulaWarning: A task left something behind that failed: Error: ${text}`));
  }
});

test('a full spill disk is a typed error, loses nothing, and works again when there is room', long, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'mobula-disk-'));
  try {
    const inside = mounted(`mount -t tmpfs -o size=8m tmpfs ${folder}`);
    if (inside === undefined) return context.skip('needs root: it mounts a file system of 8 MiB');
    const [refused, stuck, works] = lines(await run('disk', [folder], { inside }));
    assert.deepEqual(
      [refused, stuck, works],
      ['ERR_MOBULA_OBJECT_STORE_FULL true', 'ERR_MOBULA_OBJECT_STORE_FULL', '2'],
    );
  } finally {
    rmdirSync(folder);
  }
});

test('a /dev/shm of 1 MiB does not matter', long, async (context) => {
  const inside = mounted('mount -t tmpfs -o size=1m tmpfs /dev/shm');
  if (inside === undefined) return context.skip('needs root: it mounts a /dev/shm of 1 MiB');
  assert.deepEqual(lines(await run('shm', [], { inside })), ['none 24']);
});

test('without a descriptor left the store goes on, to disk too, and every ref settles', long, async () => {
  const inside = ['sh', '-c', 'ulimit -n 100; exec "$@"', 'sh'];
  const [full, result, next] = lines(await run('descriptors', [], { inside }));
  assert.equal(full, 'EMFILE');
  assert.match(String(result), /^none 12 ERR_MOBULA_WORKER_DIED 20$/);
  assert.equal(next, '42');
});

const LIMIT_MIB = 256;

/** The memory controller of version 1, where groups can be made. */
function memoryGroup(): { readonly folder: string; readonly inside: readonly string[] } | undefined {
  const [, own] = /^\d+:memory:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? [];
  const folder = `/sys/fs/cgroup/memory${own}/mobula-test-${process.pid}`;
  if (own === undefined || !existsSync(`/sys/fs/cgroup/memory${own}`)) return undefined;
  try {
    mkdirSync(folder);
    writeFileSync(`${folder}/memory.limit_in_bytes`, String(LIMIT_MIB * MIB));
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
  return { folder, inside: ['sh', '-c', `echo $$ > ${folder}/cgroup.procs; exec "$@"`, 'sh'] };
}

/** A test that runs in a control group with a memory limit. */
function limited(name: string, body: (inside: readonly string[]) => Promise<void>): void {
  test(name, long, async (context) => {
    const group = memoryGroup();
    if (group === undefined) return context.skip('needs root and a memory controller of version 1');
    try {
      await body(group.inside);
    } finally {
      rmdirSync(group.folder);
    }
  });
}

limited('objects of twice the memory limit of the control group are spilled, and nothing is killed', async (inside) => {
  const ending = await run('memory', [String((2 * LIMIT_MIB) / 8)], { inside });
  assert.deepEqual(lines(ending), [`none ${(2 * LIMIT_MIB) / 8}`, 'true']);
});

limited('where the spill folder is kept in memory too, the memory limit is a typed error', async (inside) => {
  const ending = await run('full', [String((2 * LIMIT_MIB) / 8)], { inside, spillIn: '/dev/shm' });
  const [refusal, why] = lines(ending);
  assert.equal(refusal, 'ERR_MOBULA_OBJECT_STORE_FULL');
  assert.match(String(why), /its file system is kept in memory \(tmpfs\).*; name a folder on a disk/);
});

limited('a store gives memory back when heaps need it, and nothing is killed', async (inside) => {
  const ending = await run('heaps', ['36'], { inside });
  assert.deepEqual(lines(ending), ['none 16 36', 'true']);
});
