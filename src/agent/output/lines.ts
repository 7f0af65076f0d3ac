import type { OutputSource } from '../../common/output-source.ts';

/** Where a task has written to. */
export type Stream = 'stdout' | 'stderr';

/**
 * Something of one task for one stream: whole lines; without a line feed at its end, the last one goes on. No bytes: the line that
 * goes on has ended there.
 */
export interface Part {
  readonly source: OutputSource;
  readonly stream: Stream;
  readonly data: Uint8Array;
}

/** Bytes from which on a line is sent although it goes on. */
const LONG_BYTES = 16 * 1024;
/** Milliseconds after which it is. */
const OLD_MS = 200;
const LINE_FEED = 10;
const NOTHING = Buffer.alloc(0);

/** What a part counts: the end of a line counts too. */
export function costOf(data: Uint8Array): number {
  return Math.max(1, data.length);
}

/** Lines that were sent in parts, and are remembered until they end. */
const MOST_OPEN = 1000;

interface Begun {
  readonly source: OutputSource;
  readonly stream: Stream;
  data: Buffer;
  readonly since: number;
}

/** Makes lines of what tasks write, so that lines of different tasks do not mix: a line waits for its end, within bounds. */
export class Lines {
  readonly #send: (part: Part) => void;
  /** Lines that were begun, the oldest first, by task and stream. */
  readonly #begun = new Map<string, Begun>();
  /** Lines of which a part was sent, and not the end. */
  readonly #open = new Map<string, Omit<Part, 'data'>>();

  constructor(send: (part: Part) => void) {
    this.#send = send;
  }

  /** Whether no line has begun and not ended. */
  get isEmpty(): boolean {
    return this.#begun.size === 0 && this.#open.size === 0;
  }

  /** Whether a line waits for its end. */
  get wait(): boolean {
    return this.#begun.size > 0;
  }

  /** When the oldest line has waited long enough. */
  get due(): number {
    for (const { since } of this.#begun.values()) return since + OLD_MS;
    return Number.POSITIVE_INFINITY;
  }

  /** The data is not changed later. */
  add(source: OutputSource, stream: Stream, data: Buffer, now: number): void {
    const key = keyOf(source.task, stream);
    const begun = this.#begun.get(key);
    const all = begun === undefined ? data : Buffer.concat([begun.data, data]);
    const end = all.lastIndexOf(LINE_FEED) + 1;
    const goesOn = all.length - end >= LONG_BYTES;
    const sent = goesOn ? all.length : end;
    if (sent > 0) {
      this.#begun.delete(key);
      this.#pass(key, { source, stream, data: all.subarray(0, sent) });
    }
    if (sent === all.length) return;
    const rest = all.subarray(sent);
    // One that was begun before keeps its place and its age.
    if (sent === 0 && begun !== undefined) begun.data = rest;
    else this.#begun.set(key, { source, stream, data: rest, since: now });
  }

  #pass(key: string, part: Part): void {
    this.#open.delete(key);
    if (part.data[part.data.length - 1] !== LINE_FEED) {
      const { source, stream } = part;
      this.#open.set(key, { source, stream });
      const [oldest] = this.#open.size > MOST_OPEN ? this.#open.keys() : [];
      if (oldest !== undefined) this.#open.delete(oldest);
    }
    this.#send(part);
  }

  /** A task is over, and with it its lines. Gives how many had no end, and have got one: each costs one byte more. */
  end(task: string): number {
    let ended = 0;
    for (const stream of ['stdout', 'stderr'] as const) {
      const key = keyOf(task, stream);
      const begun = this.#begun.get(key);
      const open = this.#open.get(key);
      if (begun !== undefined) {
        this.#begun.delete(key);
        this.#pass(key, { ...begun, data: Buffer.concat([begun.data, Buffer.of(LINE_FEED)]) });
        ended += 1;
      } else if (open !== undefined) {
        this.#open.delete(key);
        this.#send({ ...open, data: NOTHING });
        ended += 1;
      }
    }
    return ended;
  }

  /** Sends all lines of a job that were begun. */
  sendAll(job: number): void {
    for (const [key, begun] of this.#begun) {
      if (begun.source.job !== job) continue;
      this.#begun.delete(key);
      this.#pass(key, begun);
    }
  }

  /** Sends lines that have waited long enough. */
  look(now: number): void {
    for (const [key, begun] of this.#begun) {
      if (begun.since + OLD_MS > now) return;
      this.#begun.delete(key);
      this.#pass(key, begun);
    }
  }

  /** Nobody wants what tasks of a job write. */
  forget(job: number): void {
    for (const lines of [this.#begun, this.#open])
      for (const [key, { source }] of lines) if (source.job === job) lines.delete(key);
  }
}

function keyOf(task: string, stream: Stream): string {
  return `${task} ${stream}`;
}
