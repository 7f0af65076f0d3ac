import { MobulaError } from '../../common/errors.ts';
import type { Addon } from '../../native/addon.ts';
import type { ShardLog } from '../shard/ports.ts';

/** What a log says of itself. */
export interface LogListener {
  written(seq: number): void;
  synced(seq: number): void;
  failed(error: MobulaError): void;
}

/** What is read at once when a shard starts. */
const PART = 8 * 2 ** 20;

type LogCalls = Pick<Addon, 'logOpen' | 'logAppend' | 'logRead' | 'logProgress' | 'logClose'>;

/** A log in a folder, written by a thread of its own: `crates/mobula-log`. */
export class DiskLog implements ShardLog {
  /** How often the folder has been opened; no two shards have the same number. */
  readonly epoch: number;
  /** Whether nothing that was written can be missing. */
  readonly clean: boolean;
  readonly #calls: LogCalls;
  readonly #folder: string;
  readonly #id: number;
  readonly #listener: LogListener;
  #written = 0;
  #synced = 0;
  #over = false;

  /**
   * Opens the log, and has it for this process alone.
   *
   * @throws MobulaError (`ERR_MOBULA_DATA_DIRECTORY`): another process has it; it cannot be read; the disk is full.
   */
  constructor(calls: LogCalls, folder: string, listener: LogListener) {
    this.#calls = calls;
    this.#folder = folder;
    this.#listener = listener;
    try {
      const { id, epoch, clean } = calls.logOpen(folder, () => this.#rung());
      this.#id = id;
      this.epoch = epoch;
      this.clean = clean;
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  append(firstSeq: number, lastSeq: number, bytes: Buffer, sync: boolean): void {
    if (!this.#over) this.#calls.logAppend(this.#id, firstSeq, lastSeq, bytes, sync);
  }

  /** @throws MobulaError (`ERR_MOBULA_DATA_DIRECTORY`): what is on the disk is not what was written. */
  *read(): Iterable<Buffer> {
    let from = 0;
    for (;;) {
      let batches: readonly Buffer[];
      try {
        batches = this.#calls.logRead(this.#id, from, PART);
      } catch (error) {
        throw this.#unusable(error);
      }
      const last = batches.at(-1);
      if (last === undefined) return;
      yield* batches;
      from = last.readDoubleLE(0) + 1;
    }
  }

  /** Waits until all that was appended is on the disk. A log that was closed is clean when it is opened again. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    try {
      this.#calls.logClose(this.#id);
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  #rung(): void {
    if (this.#over) return;
    let progress: readonly number[];
    try {
      progress = this.#calls.logProgress(this.#id);
    } catch (error) {
      this.#over = true;
      this.#listener.failed(this.#unusable(error));
      return;
    }
    const [written = 0, synced = 0] = progress;
    if (synced > this.#synced) {
      this.#synced = synced;
      this.#listener.synced(synced);
    }
    if (written > this.#written) {
      this.#written = written;
      if (written > synced) this.#listener.written(written);
    }
  }

  #unusable(error: unknown): MobulaError {
    const { message } = error as Error;
    const text = `The data directory ${this.#folder} cannot be used: ${message}. ${adviceFor(message)}`;
    const kind = message.includes(IN_USE) ? LogInUseError : MobulaError;
    return new kind('ERR_MOBULA_DATA_DIRECTORY', text, { cause: error });
  }
}

const IN_USE = 'another process';

/** Another process has the log. */
export class LogInUseError extends MobulaError {}

function adviceFor(message: string): string {
  if (message.includes(IN_USE)) return 'Stop the head that has it, or choose another with --data-dir';
  if (message.includes('disk is full')) return 'Make room and start again: what was acknowledged is there';
  if (message.includes('damaged')) return 'Bring back a copy of it, or start with another --data-dir';
  return 'See that this user may write there, or choose another with --data-dir';
}
