import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ProcessMark, stateOf } from './process-mark.ts';

/** What a supervisor says of itself to other programs of its user. */
export interface RunFile {
  readonly role: 'head' | 'node';
  /** Of the head: host and port. */
  readonly address: string;
  /** The supervisor. */
  readonly process: ProcessMark;
  /** The version of mobula. */
  readonly version: string;
  /** Of the node that it keeps running, as it was at first. */
  readonly nodeId?: string;
  readonly dataDir?: string;
  /** Where it writes, if `--detach` started it. */
  readonly log?: string;
}

/** A supervisor that is alive, and its file. */
export interface Running extends RunFile {
  readonly file: string;
}

/** Writes a file that others read whole or not at all. Gives its path. */
export function writeRunFile(folder: string, name: string, content: RunFile): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${name}.json`);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
  return file;
}

/** Removes `file` if it is still that of `mark`. */
export function removeRunFile(file: string, mark: ProcessMark): void {
  // Out of the way first: another supervisor may write the same name at any moment.
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (!isOf(mark, read(aside))) {
    try {
      linkSync(aside, file);
    } catch {
      // A newer one is there.
    }
  }
  rmSync(aside, { force: true });
}

/** The supervisors of this machine that are alive. Files of dead ones are removed. */
export function running(folder: string): Running[] {
  const found: Running[] = [];
  for (const name of list(folder).sort((one, other) => one.localeCompare(other))) {
    const file = join(folder, name);
    const content = read(file);
    if (content === undefined) continue;
    const state = stateOf(content.process);
    if (state === 'alive') found.push({ ...content, file });
    if (state === 'dead') removeRunFile(file, content.process);
  }
  return found;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    // Nobody has started anything yet.
    return [];
  }
}

/** Undefined: it is gone, or not a file of ours. */
function read(file: string): RunFile | undefined {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as RunFile;
    return typeof content.address === 'string' && typeof content.process.pid === 'number' ? content : undefined;
  } catch {
    return undefined;
  }
}

function isOf(mark: ProcessMark, content: RunFile | undefined): boolean {
  const { pid, startTime, boot, host } = content?.process ?? {};
  return pid === mark.pid && startTime === mark.startTime && boot === mark.boot && host === mark.host;
}
