import { cellName } from '../../common/ids.ts';
import { setImmediate } from '../../common/timers.ts';
import type { AwayMemory, OutputMemory } from './capture.ts';
import { print, printNow } from './print.ts';
import { OutputRing, type Piece, type Place } from './ring.ts';

/** Milliseconds for which an exiting process waits for a thread that prints what it has written by itself. */
const MAX_NAPS = 1000;
const nap = new Int32Array(new SharedArrayBuffer(4));

/** One write of a task, or a part of a long one, and what wrote it. */
export interface OutputRecord extends Piece {
  readonly jobId: string;
  /** As `context().taskId`; undefined for what code outside of tasks has written. */
  readonly taskId: string | undefined;
  /** As `context().actorId`. */
  readonly actorId: string | undefined;
}

/** Whose output it is. */
export interface OutputOrigin {
  readonly jobId: string;
  readonly nodeId: string;
}

/** What is for other processes, and what comes from them: set in a cluster. */
export interface OutputElsewhere {
  /** The memory for a thread that is about to start. `end` when it has ended. */
  begin(): { readonly memory: AwayMemory; readonly end: () => void };
  /** Passes on what is for others, and prints what came. True if it printed. */
  drain(): boolean;
  /** The process exits: prints what came. */
  flushNow(): void;
  /** Prints what came. */
  close(): void;
}

/**
 * Prints what the worker threads of a node write, through the driver's streams: before the results that came after it, and,
 * when the program ends, whatever is left.
 */
export class Output {
  readonly #origin: OutputOrigin;
  readonly #elsewhere: OutputElsewhere | undefined;
  readonly #rings = new Set<OutputRing>();
  readonly #pieces = new Int32Array(new SharedArrayBuffer(4));
  #seen = 0;
  /** The ring that is being read. */
  #reading: OutputRing | undefined;
  #printed = false;

  constructor(origin: OutputOrigin, elsewhere?: OutputElsewhere) {
    this.#origin = origin;
    this.#elsewhere = elsewhere;
    process.on('exit', this.#flushNow);
  }

  /**
   * The memory for a thread that is about to start. `end` when it has ended. `isForeign`: its job is not that of this process, so what
   * its tasks write is for another.
   */
  begin(isForeign: boolean): { readonly memory: OutputMemory; readonly end: () => void } {
    const ring = new OutputRing();
    this.#rings.add(ring);
    const away = isForeign ? this.#elsewhere?.begin() : undefined;
    const end = (): void => {
      away?.end();
      ring.abandon();
      this.#read(ring, print);
      this.#rings.delete(ring);
    };
    return { memory: { ring: ring.memory, pieces: this.#pieces, away: away?.memory }, end };
  }

  /** Prints what there is; true if there was anything new. */
  readonly drain = (): boolean => {
    const came = this.#elsewhere?.drain() ?? false;
    if (came) this.#printed = true;
    const count = Atomics.load(this.#pieces, 0);
    // Whoever prints may be called by a stream of the user's, which may call mobula.
    if (count === this.#seen || this.#reading !== undefined) return came;
    this.#seen = count;
    for (const ring of this.#rings) this.#read(ring, print);
    return true;
  };

  #read(ring: OutputRing, printer: (record: OutputRecord) => void): boolean {
    this.#reading = ring;
    try {
      return ring.read((piece) => {
        this.#printed = true;
        try {
          printer(this.#record(piece));
        } catch (error) {
          // Of a stream that the user has replaced; not of the code that waits for a result just now.
          setImmediate(() => {
            throw error;
          });
        }
      });
    } finally {
      this.#reading = undefined;
    }
  }

  #record(piece: Piece): OutputRecord {
    const { jobId, nodeId } = this.#origin;
    const name = (place: Place | undefined): string | undefined =>
      place && cellName(nodeId, place.index, place.generation);
    return { ...piece, jobId, taskId: name(piece.task), actorId: name(piece.actor) };
  }

  /** The process exits: no event loop will run again. */
  readonly #flushNow = (): void => {
    // It may have begun inside of a stream of the user's that was being written to.
    this.#reading?.abandon();
    for (const ring of this.#rings) {
      for (let tries = 0; !this.#read(ring, printNow) && tries < MAX_NAPS; tries++) Atomics.wait(nap, 0, 0, 1);
    }
    this.#elsewhere?.flushNow();
  };

  /** All threads have ended; resolves when what they have written has left this process. */
  async close(): Promise<void> {
    process.off('exit', this.#flushNow);
    for (const ring of this.#rings) this.#read(ring, print);
    this.#rings.clear();
    this.drain();
    this.#elsewhere?.close();
    if (!this.#printed) return;
    const streams = [process.stdout, process.stderr].filter((stream) => stream.writableLength > 0);
    await Promise.all(streams.map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
  }
}
