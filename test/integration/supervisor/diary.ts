import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeConfig } from '../../../src/boot/supervisor/contract.ts';

/** A line of what children wrote. */
export interface Entry {
  readonly pid: number;
  readonly start: number;
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly family?: readonly number[];
  readonly drain?: number;
  readonly config?: NodeConfig;
}

/** Tests set TMPDIR to the folder of a diary. */
const base = tmpdir();

/** A file into which children write, in a folder that goes with the test. */
export class Diary implements Disposable {
  readonly folder: string = mkdtempSync(join(base, 'mobula-supervisor-'));
  readonly file: string = join(this.folder, 'diary');

  entries(): Entry[] {
    if (!existsSync(this.file)) return [];
    const lines = readFileSync(this.file, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Entry);
  }

  /** The processes that have begun, in order. */
  births(): Entry[] {
    return this.entries().filter(({ argv }) => argv !== undefined);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether there is such a process, and it is not only waiting to be buried. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The processes that `pid` has started, and those that they have started. */
export function children(pid: number): number[] {
  const found = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text !== '');
  return found.flatMap((text) => [Number(text), ...children(Number(text))]);
}
