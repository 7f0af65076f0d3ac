import type { OutputSource } from '../../common/output-source.ts';
import { now } from '../../common/timers.ts';
import type { Peer } from '../peer.ts';
import type { NodeId } from '../ports.ts';
import { malformed } from '../wire/entry.ts';
import { type Heard, writeLost, writeOutput } from '../wire/output.ts';
import { Lines, type Part, type Stream } from './lines.ts';
import { OutputWindow } from './window.ts';

/** One write of a task of this node, or a part of a long one. */
export interface OutputPiece {
  readonly source: OutputSource;
  readonly stream: Stream;
  readonly data: Buffer;
}

/** Where this node's output comes from, and whose it is. */
export interface OutboxPorts {
  /** Whether there are pieces that `read` was not asked for. */
  hasNews(): boolean;
  /** Reads what threads have left, each thread's in order, up to a piece that `may` leaves there. */
  read(may: (piece: OutputPiece) => boolean, take: (piece: OutputPiece) => void): void;
  /** The node of the driver that a job belongs to; undefined: there is none any more. */
  driverOf(job: number): Promise<NodeId | undefined>;
}

/** What comes after the output of a task of a job: its answer to `peer`. */
export interface Follower {
  readonly job: number;
  readonly peer: Peer;
  /** Gives `context().taskId`. */
  taskId(): string;
  readonly answer: () => void;
}

/** A job of which this node has output. */
interface Job {
  /** Undefined while it is asked for; null: it is gone. */
  driver: Peer | null | undefined;
  readonly window: OutputWindow;
}

/** From so many jobs on, those whose driver is gone are forgotten. */
const MOST_JOBS = 1000;
/** Bytes of a part up to which what follows is put into it. */
const PART_BYTES = 16 * 1024;

/**
 * What tasks of this node have written, on its way to the drivers of their jobs: before the answers of these tasks, and bounded. A
 * driver that does not print holds its tasks up for a second; then their output is dropped, and counted.
 */
export class Outbox {
  readonly #ports: OutboxPorts;
  readonly #peer: (node: NodeId) => Peer | undefined;
  readonly #soon: () => void;
  readonly #jobs = new Map<number, Job>();
  readonly #lines = new Lines((part) => this.#gather(part));
  /** Jobs whose output was left with the threads. */
  readonly #held = new Set<number>();
  #followers: Follower[] = [];
  /** What is not written yet: more of the same task may follow. */
  #part: Part | undefined;
  #more: Uint8Array[] = [];
  #bytes = 0;

  /** `peer`: undefined where the node is dead. `soon`: there is something to send, or to drain. */
  constructor(ports: OutboxPorts, peer: (node: NodeId) => Peer | undefined, soon: () => void) {
    this.#ports = ports;
    this.#peer = peer;
    this.#soon = soon;
  }

  /** When `drain` is to be called again. */
  get due(): number {
    let due = this.#lines.due;
    for (const job of this.#held) due = Math.min(due, this.#jobs.get(job)?.window.due ?? due);
    if (this.#followers.length === 0) return due;
    const at = now();
    for (const { job } of this.#followers) {
      // What is over by now is looked at again: the last `drain` may have come a moment before.
      if (!this.#held.has(job)) due = Math.min(due, this.#jobs.get(job)?.window.underWay(at) ?? at);
    }
    return due;
  }

  /** Writes what there is into what goes to the drivers. False: it ran no code of the user's. */
  drain(): false {
    const isIdle = this.#held.size === 0 && !this.#lines.wait && this.#followers.length === 0;
    if (isIdle && !this.#ports.hasNews()) return false;
    const at = now();
    this.#held.clear();
    this.#ports.read(
      ({ source }) => this.#may(source.job, at),
      (piece) => this.#take(piece, at),
    );
    this.#lines.look(at);
    this.#write();
    if (this.#followers.length > 0) this.#follow();
    return false;
  }

  #follow(): void {
    const followers = this.#followers;
    this.#followers = [];
    for (const follower of followers) {
      if (this.mayAnswer(follower)) follower.answer();
      else this.#followers.push(follower);
    }
  }

  #may(number: number, at: number): boolean {
    const { driver, window } = this.#job(number, at);
    if (driver === null || window.verdict(at) !== 'wait') return true;
    this.#held.add(number);
    return false;
  }

  #take({ source, stream, data }: OutputPiece, at: number): void {
    const { driver, window } = this.#job(source.job, at);
    if (driver === null) return;
    if (window.verdict(at) === 'drop') {
      window.drop(data);
      return;
    }
    window.sent(data.length, at);
    this.#lines.add(source, stream, data, at);
  }

  #job(number: number, at: number): Job {
    let job = this.#jobs.get(number);
    if (job === undefined) {
      this.#forgetSome();
      job = { driver: undefined, window: new OutputWindow(false, at) };
      this.#jobs.set(number, job);
      void this.#find(number, job);
    }
    return job;
  }

  async #find(number: number, job: Job): Promise<void> {
    let node: NodeId | undefined;
    try {
      node = await this.#ports.driverOf(number);
    } catch {
      // There is no head any more: this node ends.
    }
    job.driver = (node === undefined ? undefined : this.#peer(node)) ?? null;
    job.window.open();
    if (job.driver !== null) this.#tellLost(number, job);
    this.#soon();
  }

  #forgetSome(): void {
    if (this.#jobs.size < MOST_JOBS) return;
    for (const [number, { driver }] of this.#jobs) if (driver === null) this.#jobs.delete(number);
  }

  /**
   * Whether what a task has written goes before its answer. Not if some is still with the threads, or on its way to a driver that is
   * another than the peer: what that answers could come before.
   */
  mayAnswer(follower: Follower): boolean {
    const { job: number, peer } = follower;
    if (this.#jobs.size === 0) return true;
    if (this.#held.has(number)) return false;
    if (!this.#lines.isEmpty) this.#end(follower);
    const job = this.#jobs.get(number);
    return !job?.driver || job.driver === peer || job.window.underWay(now()) === undefined;
  }

  /** Nothing that the task, or a task of its, has written waits for the end of its line. */
  #end(follower: Follower): void {
    const { job } = follower;
    const ended = this.#lines.end(follower.taskId());
    if (ended > 0) this.#jobs.get(job)?.window.sent(ended, now());
    this.#lines.sendAll(job);
    this.#write();
  }

  /** Calls its `answer` when it may be. */
  answerLater(follower: Follower): void {
    this.#followers.push(follower);
    this.#soon();
  }

  /** What the driver of a job says of its output. */
  heard(peer: Peer, { job: number, arrived, printed }: Heard): void {
    const job = this.#jobs.get(number);
    if (job?.driver !== peer) return;
    if (!(job.window.arrived(arrived, now()) && job.window.printed(printed)))
      throw malformed(`${arrived} bytes arrived and ${printed} were printed, more than were sent`);
    this.#tellLost(number, job);
    this.#soon();
  }

  #tellLost(number: number, { driver, window }: Job): void {
    const lost = window.takeLost();
    if (lost !== undefined && driver) writeLost(driver.out, number, lost);
  }

  /** Parts of one task that follow one another go together. */
  #gather(part: Part): void {
    const last = this.#part;
    const fits = part.data.length > 0 && this.#bytes > 0 && this.#bytes + part.data.length <= PART_BYTES;
    if (last === undefined || last.source.task !== part.source.task || last.stream !== part.stream || !fits) {
      this.#write();
      this.#part = part;
    }
    this.#more.push(part.data);
    this.#bytes += part.data.length;
  }

  #write(): void {
    const part = this.#part;
    if (part === undefined) return;
    const driver = this.#jobs.get(part.source.job)?.driver;
    const data = this.#more.length === 1 ? (this.#more[0] as Uint8Array) : Buffer.concat(this.#more);
    if (driver) writeOutput(driver.out, { ...part, data });
    this.#part = undefined;
    this.#more = [];
    this.#bytes = 0;
  }

  /** A node is dead: nobody reads the output of its jobs. */
  forgetPeer(peer: Peer): void {
    for (const [number, job] of this.#jobs) {
      if (job.driver !== peer) continue;
      job.driver = null;
      this.#lines.forget(number);
    }
  }
}
