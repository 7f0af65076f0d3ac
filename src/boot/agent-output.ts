import { receiveMessageOnPort } from 'node:worker_threads';
import type { Arrival } from '../agent/output/arrivals.ts';
import type { OutboxPorts, OutputPiece } from '../agent/output/outbox.ts';
import type { NodeId } from '../agent/ports.ts';
import { untagged } from '../workers/output/away.ts';
import { OutputRing, type Piece } from '../workers/output/ring.ts';
import { type OutputLine, outputCount, type ToOutbox } from './output-line.ts';

/** Bytes that are read of one thread at a time: more than its ring can hold. */
const MOST_BYTES = 256 * 1024;

/** What the agent's thread does with the messages that are not about threads. */
export interface OutputNews {
  driverOf(job: number): Promise<NodeId | undefined>;
  /** Threads have written something. */
  look(): void;
  /** The driver has printed so many bytes of what a node had sent. */
  printed(node: NodeId, job: number, bytes: number): void;
  /** Wakes the driver. */
  ring(): void;
}

/** The output of a node of a cluster, as the agent's thread has it. */
export class AgentOutput implements OutboxPorts {
  readonly #line: OutputLine;
  readonly #news: OutputNews;
  readonly #threads = new Map<number, { readonly ring: OutputRing; hasEnded: boolean }>();
  #seen = 0;

  constructor(line: OutputLine, news: OutputNews) {
    this.#line = line;
    this.#news = news;
    line.port.on('message', this.#hears);
    line.port.unref();
  }

  readonly #hears = (message: ToOutbox): void => {
    switch (message.kind) {
      case 'begin':
        this.#threads.set(message.thread, { ring: new OutputRing(message.ring), hasEnded: false });
        break;
      case 'end': {
        const thread = this.#threads.get(message.thread);
        if (thread !== undefined) thread.hasEnded = true;
        this.#news.look();
        break;
      }
      case 'look':
        this.#news.look();
        break;
      case 'printed':
        this.#news.printed(message.node, message.job, message.bytes);
        break;
    }
  };

  driverOf(job: number): Promise<NodeId | undefined> {
    return this.#news.driverOf(job);
  }

  hasNews(): boolean {
    return Atomics.load(this.#line.counts, outputCount.pieces) !== this.#seen;
  }

  read(may: (piece: OutputPiece) => boolean, take: (piece: OutputPiece) => void): void {
    this.#seen = Atomics.load(this.#line.counts, outputCount.pieces);
    // Of threads that have begun or ended meanwhile: they may have written already.
    for (;;) {
      const message = receiveMessageOnPort(this.#line.port)?.message as ToOutbox | undefined;
      if (message === undefined) break;
      this.#hears(message);
    }
    let read: OutputPiece | undefined;
    let bytes = 0;
    const peek = (piece: Piece): boolean => {
      // A thread may write as fast as this one reads: it gets no more than it can have left before.
      bytes += piece.data.length;
      if (bytes > MOST_BYTES) return false;
      const { source, data } = untagged(piece.data as Buffer);
      read = { source, stream: piece.stream, data };
      return may(read);
    };
    for (const [number, { ring, hasEnded }] of this.#threads) {
      bytes = 0;
      ring.read(() => take(read as OutputPiece), peek);
      if (bytes > MOST_BYTES) this.#news.look();
      if (hasEnded && ring.isEmpty) this.#threads.delete(number);
    }
  }

  /** Gives the driver what came for it. */
  readonly pass = (arrivals: readonly Arrival[]): void => {
    this.#line.port.postMessage(arrivals);
    Atomics.add(this.#line.counts, outputCount.arrivals, 1);
    this.#news.ring();
  };
}
