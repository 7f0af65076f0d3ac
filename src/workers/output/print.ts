import { writeSync } from 'node:fs';
import { now } from '../../common/timers.ts';
import type { Piece, StreamName } from './ring.ts';

const descriptors = { stdout: 1, stderr: 2 } as const;
/** Milliseconds until a pipe that nobody reads is given up. */
const STUCK_MS = 5000;
/** Milliseconds between two tries to write to a pipe that is full. */
const NAP_MS = 5;
const nap = new Int32Array(new SharedArrayBuffer(4));

/** Prints through the program's own stream, as the program would. */
export function print({ stream, data }: Piece): void {
  process[stream].write(data);
}

/**
 * Prints at once, though no event loop runs. A stream that somebody has replaced, as test runners do, is called all the
 * same; of Node's own, a pipe would only be written to later.
 */
export function printNow(piece: Piece): void {
  if (Object.hasOwn(process[piece.stream], 'write')) print(piece);
  else printDirectly(piece);
}

/** Writes to the descriptor, past the stream. */
export function printDirectly({ stream, data }: Piece): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  let since = now();
  for (let written = 0; written < bytes.length; ) {
    const count = tryWrite(stream, bytes.subarray(written));
    if (count > 0) since = now();
    else if (count < 0 || now() - since > STUCK_MS) return;
    else Atomics.wait(nap, 0, 0, NAP_MS);
    written += count;
  }
}

/** Bytes written: none if the pipe is full, -1 if nobody will ever read it. */
function tryWrite(stream: StreamName, bytes: Buffer): number {
  try {
    return writeSync(descriptors[stream], bytes);
  } catch (error) {
    return Reflect.get(Object(error), 'code') === 'EAGAIN' ? 0 : -1;
  }
}
