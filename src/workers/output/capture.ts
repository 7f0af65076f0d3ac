import type { Writable } from 'node:stream';
import { AWAY_BYTES, tagged } from './away.ts';
import { printDirectly } from './print.ts';
import { OutputRing, type Place, pieces, type StreamName } from './ring.ts';

/** Milliseconds for which a full ring waits for the driver; after that the thread prints what is in it by itself. */
const PATIENCE_MS = 1000;

/** What the capture asks of the thread that it is in. */
export interface CapturePorts {
  /** The task that runs. */
  task(): Place | undefined;
  /** The actor it is a call of. */
  actor(): Place | undefined;
  /** Names what runs, if what it writes is for another process: `away.ts`. */
  away(): Uint8Array | undefined;
  /** Wakes the driver. */
  ring(): void;
}

/** The memory for what a thread writes that is for another process. */
export interface AwayMemory {
  readonly ring: SharedArrayBuffer;
  /** Counts the pieces of all threads. */
  readonly pieces: Int32Array;
}

/** The memory that a thread shares with its driver for what it writes. */
export interface OutputMemory {
  readonly ring: SharedArrayBuffer;
  /** Counts the pieces of all threads, so that the driver sees at a glance whether there are new ones. */
  readonly pieces: Int32Array;
  /** Set in a thread of another process's job. */
  readonly away: AwayMemory | undefined;
}

/**
 * Takes what the calling thread writes to stdout and stderr from now on, through whatever function, and leaves it where the
 * driver finds it. A writer that is ahead of the driver by a ring is held up.
 */
export function captureOutput(memory: OutputMemory, ports: CapturePorts): void {
  const places = (): Places => [ports.task(), ports.actor()];
  const here = leaver(memory.ring, memory.pieces, ports, places, (ring) => ring.read(printDirectly));
  // The agent decides how long this thread waits: it reads the ring, or the ring is closed, sooner or later.
  const there = memory.away && leaver(memory.away.ring, memory.away.pieces, ports, nowhere, () => undefined);
  const leave = (stream: StreamName, text: boolean, data: Uint8Array): void => {
    const tag = there && ports.away();
    if (tag === undefined) for (const piece of pieces(data, text)) here(stream, text, piece);
    else for (const piece of pieces(data, text, AWAY_BYTES)) there?.(stream, false, tagged(tag, piece));
  };
  redirect(process.stdout, (text, data) => leave('stdout', text, data));
  redirect(process.stderr, (text, data) => leave('stderr', text, data));
}

/** What a piece says of what wrote it. */
type Places = readonly [task: Place | undefined, actor: Place | undefined];

/** A piece that is for another process has a tag instead. */
const nowhere = (): Places => [undefined, undefined];

/** Leaves pieces in a ring. `alone`: nobody has read for `PATIENCE_MS` although it is full. */
function leaver(
  memory: SharedArrayBuffer,
  counter: Int32Array,
  ports: CapturePorts,
  places: () => Places,
  alone: (ring: OutputRing) => void,
): (stream: StreamName, text: boolean, piece: Uint8Array) => void {
  const ring = new OutputRing(memory);
  return (stream, text, piece) => {
    const [task, actor] = places();
    let result = ring.tryWrite(stream, text, piece, task, actor);
    while (result === 'full') {
      ports.ring();
      // The driver may be busy for long, or wait for this thread.
      if (!ring.waitForRoom(PATIENCE_MS)) alone(ring);
      result = ring.tryWrite(stream, text, piece, task, actor);
    }
    Atomics.add(counter, 0, 1);
    if (result === 'first') ports.ring();
  };
}

interface Chunk {
  readonly chunk: string | Uint8Array;
  readonly encoding: BufferEncoding;
}

/** Has a stream hand what it would write to `leave`. All else of it stays: `write` answers and calls back as ever. */
function redirect(stream: Writable, leave: (text: boolean, data: Uint8Array) => void): void {
  const writev = (chunks: readonly Chunk[], done: (error?: Error | null) => void): void => {
    for (const { chunk, encoding } of chunks) {
      if (typeof chunk !== 'string') leave(false, chunk);
      else leave(isText(encoding), Buffer.from(chunk, isText(encoding) ? 'utf8' : encoding));
    }
    done();
  };
  const write = (chunk: string | Uint8Array, encoding: BufferEncoding, done: (error?: Error | null) => void): void =>
    writev([{ chunk, encoding }], done);
  Object.assign(stream, { _writev: writev, _write: write });
}

/** Whether a string of that encoding is text, and not bytes in another form. */
function isText(encoding: string): boolean {
  return /^(?:utf-?8|buffer|utf-?16le|ucs-?2)?$/i.test(encoding ?? '');
}
