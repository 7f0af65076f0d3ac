import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Arrival } from '../agent/output/arrivals.ts';
import { costOf } from '../agent/output/lines.ts';
import { clearTimeout, now, setImmediate, setTimeout } from '../common/timers.ts';
import type { AwayMemory } from '../workers/output/capture.ts';
import { ClusterPrinter } from '../workers/output/cluster-printer.ts';
import type { OutputElsewhere } from '../workers/output/output.ts';
import { print, printNow } from '../workers/output/print.ts';
import { OutputRing, type StreamName } from '../workers/output/ring.ts';
import { OUTPUT_COUNTS, type OutputLine, outputCount, type ToOutbox } from './output-line.ts';

/** The output of a node of a cluster, as the thread that serves the node has it; the agent's thread has the rest. */
export class ClusterOutput implements OutputElsewhere {
  readonly #port: MessagePort;
  /** For the agent. */
  readonly line: OutputLine;
  readonly #rings = new Map<number, OutputRing>();
  #threads = 0;
  #isOver = false;
  readonly #seen = new Int32Array(OUTPUT_COUNTS);
  readonly #printer: ClusterPrinter;
  #isPrinting = false;
  /** Bytes that were printed of what has just come, by node and job. */
  readonly #printed = new Map<string, Map<number, number>>();
  #exits = false;
  /** Nothing is printed after what is there. */
  #ends = false;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.line = { port: port2, counts: new Int32Array(new SharedArrayBuffer(4 * OUTPUT_COUNTS)) };
    this.#printer = new ClusterPrinter((stream, data) => this.#write(stream, data));
  }

  begin(): { readonly memory: AwayMemory; readonly end: () => void } {
    const ring = new OutputRing();
    this.#threads += 1;
    const thread = this.#threads;
    if (this.#isOver) ring.close();
    else this.#rings.set(thread, ring);
    this.#tell({ kind: 'begin', thread, ring: ring.memory });
    const end = (): void => {
      // Behind all that it has written, and seen together with that.
      this.#tell({ kind: 'end', thread });
      this.#rings.delete(thread);
    };
    const { pieces } = outputCount;
    return { memory: { ring: ring.memory, pieces: this.line.counts.subarray(pieces, pieces + 1) }, end };
  }

  #tell(message: ToOutbox): void {
    this.#port.postMessage(message);
    if (message.kind === 'begin' || message.kind === 'end') Atomics.add(this.line.counts, outputCount.pieces, 1);
  }

  /** How often it was counted up since this was asked. */
  #news(word: number): number {
    const before = this.#seen[word] as number;
    this.#seen[word] = Atomics.load(this.line.counts, word);
    return ((this.#seen[word] as number) - before) | 0;
  }

  drain(): boolean {
    if (this.#news(outputCount.pieces) !== 0) this.#tell({ kind: 'look' });
    // The streams may be the user's, and call mobula.
    if (this.#isPrinting) return false;
    const count = this.#news(outputCount.arrivals);
    if (count === 0) return false;
    // What comes meanwhile rings again: the program gets its turn.
    this.#arrived(count);
    return true;
  }

  #arrived(count: number): void {
    this.#printed.clear();
    for (let i = 0; i < count; i++) {
      const came = receiveMessageOnPort(this.#port)?.message as readonly Arrival[] | undefined;
      if (came === undefined) break;
      for (const arrival of came) this.#print(arrival);
    }
    // At the end nothing more is to come.
    if (!this.#ends) for (const [node, jobs] of this.#printed) this.#tellPrinted(node, jobs);
    this.#plan();
  }

  #print(arrival: Arrival): void {
    const { node } = arrival;
    if (arrival.kind === 'lost') {
      this.#printer.lost(node, arrival.lost.lines, arrival.lost.bytes);
      return;
    }
    const { source, stream, data } = arrival.part;
    this.#printer.print({ node, task: source.task, name: source.name, stream, data }, now());
    const jobs = this.#printed.get(node) ?? new Map<number, number>();
    this.#printed.set(node, jobs.set(source.job, (jobs.get(source.job) ?? 0) + costOf(data)));
  }

  #tellPrinted(node: string, jobs: ReadonlyMap<number, number>): void {
    for (const [job, bytes] of jobs) this.#tell({ kind: 'printed', node, job, bytes });
  }

  #write(stream: StreamName, data: string | Buffer): void {
    this.#isPrinting = true;
    try {
      const piece = { stream, data, task: undefined, actor: undefined };
      if (this.#exits) printNow(piece);
      else print(piece);
    } catch (error) {
      // Of a stream that the user has replaced; not of the code that waits for a result just now.
      setImmediate(() => {
        throw error;
      });
    } finally {
      this.#isPrinting = false;
    }
  }

  /** Looks at what is folded when that is due. It keeps no program alive. */
  #plan(): void {
    const { due } = this.#printer;
    if (this.#timer !== undefined || due === Number.POSITIVE_INFINITY) return;
    const fold = (): void => {
      this.#timer = undefined;
      this.#printer.look(now());
      this.#plan();
    };
    this.#timer = setTimeout(fold, Math.max(0, due - now())).unref();
  }

  /** The agent has ended: nobody reads what threads leave for others. */
  agentIsOver(): void {
    this.#isOver = true;
    for (const ring of this.#rings.values()) ring.close();
    this.#rings.clear();
  }

  flushNow(): void {
    this.#exits = true;
    this.#ends = true;
    this.#arrived(Number.POSITIVE_INFINITY);
    this.#printer.end();
  }

  close(): void {
    this.#ends = true;
    this.#arrived(Number.POSITIVE_INFINITY);
    this.#printer.end();
    clearTimeout(this.#timer);
    this.#port.close();
  }
}
