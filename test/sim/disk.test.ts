import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Disk, type DiskOperation } from './disk.ts';
import { Chance } from './random.ts';

const append = (text: string): DiskOperation => ({ do: 'append', file: 'log', bytes: Buffer.from(text), token: 1 });
const sync: DiskOperation = { do: 'sync', file: 'log', token: 2 };
const replace = (text: string): DiskOperation => ({ do: 'replace', file: 'log', bytes: Buffer.from(text), token: 3 });

function run(disk: Disk, operation: DiskOperation): string | undefined {
  disk.begin(operation);
  return disk.finish()?.error;
}

const contents = (disk: Disk): string => Buffer.from(disk.files().get('log') ?? []).toString();

/** What may be in the file after `prepare` and a power cut, over many seeds. */
function afterPowerCut(prepare: (disk: Disk) => void): Set<string> {
  const found = new Set<string>();
  for (let seed = 0; seed < 300; seed++) {
    const disk = new Disk(new Chance(seed, 'disk'));
    prepare(disk);
    disk.powerCut();
    found.add(contents(disk));
  }
  return found;
}

test('a power cut keeps what was synced and any part of the rest, the last write torn', () => {
  const found = afterPowerCut((disk) => {
    for (const operation of [append('ab'), sync, append('cd'), append('ef')]) run(disk, operation);
  });
  assert.deepEqual([...found].sort(), ['ab', 'abc', 'abcd', 'abcde', 'abcdef']);
});

test('a killed process leaves what it wrote, and of what was under way a part; it is still not synced', () => {
  const found = new Set<string>();
  for (let seed = 0; seed < 100; seed++) {
    const disk = new Disk(new Chance(seed, 'disk'));
    run(disk, append('ab'));
    disk.begin(append('cd'));
    disk.processEnded();
    found.add(contents(disk));
  }
  assert.deepEqual([...found].sort(), ['ab', 'abcd']);
  const later = afterPowerCut((disk) => {
    run(disk, append('ab'));
    disk.processEnded();
  });
  assert.ok(later.has(''));
});

test('what a failed sync was to keep is read, and lost at a power cut whatever is synced after it', () => {
  const found = afterPowerCut((disk) => {
    run(disk, append('ab'));
    run(disk, sync);
    run(disk, append('cd'));
    disk.failNextSync = true;
    assert.equal(run(disk, sync), 'EIO');
    run(disk, append('ef'));
    assert.equal(run(disk, sync), undefined);
    assert.equal(contents(disk), 'abcdef');
  });
  assert.deepEqual([...found], ['ab\0\0ef']);
});

test('a full disk writes a part and says so, and replaces nothing', () => {
  const disk = new Disk(new Chance(1, 'disk'));
  run(disk, append('ab'));
  disk.full = true;
  assert.equal(run(disk, append('cdef')), 'ENOSPC');
  assert.match(contents(disk), /^abc?d?e?$/);
  const before = contents(disk);
  assert.equal(run(disk, replace('new')), 'ENOSPC');
  assert.equal(contents(disk), before);
});

test('a replaced file is the old or the new one', () => {
  const found = afterPowerCut((disk) => {
    run(disk, replace('old'));
    disk.begin(replace('new'));
  });
  assert.deepEqual([...found].sort(), ['new', 'old']);
});
