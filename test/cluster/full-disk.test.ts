// A full disk under the log: one clear error, and what was acknowledged is there once there is room.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import test from 'node:test';
import { head, join } from './support.ts';

test('a head whose disk is full ends with an error, and has what it acknowledged when there is room', async (t) => {
  const mounted = mkdtempSync(joinPath(tmpdir(), 'mobula-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mounted], { stdio: 'pipe' });
  } catch (error) {
    rmSync(mounted, { recursive: true });
    t.skip(`no file system can be mounted here: ${(error as Error).message}`);
    return;
  }
  t.after(() => {
    execFileSync('umount', ['-l', mounted]);
    rmSync(mounted, { recursive: true });
  });
  const dataDir = joinPath(mounted, 'log');
  const first = await head(t, { dataDir });
  const writer = await join(t, first);
  let written = 0;
  const writing = (async () => {
    for (;;) {
      await writer.head.kv.put(`key ${written}`, Buffer.alloc(50_000, written));
      written += 1;
    }
  })();
  writing.catch(() => {
    // The connection is closed below.
  });
  const error = (await first.ended) as Error & { readonly code: string };
  assert.equal(error.code, 'ERR_MOBULA_DATA_DIRECTORY');
  assert.match(error.message, /the disk is full\. Make room and start again: what was acknowledged is there/);
  writer.head.close();
  await assert.rejects(writing);
  assert.ok(written > 50, `${written} writes were acknowledged`);
  execFileSync('mount', ['-o', 'remount,size=64m', mounted]);
  const second = await head(t, { dataDir });
  const { kv } = (await join(t, second)).head;
  for (let i = 0; i < written; i++) {
    const found = await kv.get(`key ${i}`);
    assert.ok(Buffer.alloc(50_000, i).equals(found?.row ?? Buffer.alloc(0)), `key ${i} of ${written}`);
  }
});
