import type { Named, Placed } from '../../../src/agent/data/named.ts';
import type { DataPort, Fetched, Urgency } from '../../../src/agent/data/ports.ts';
import type { Peer } from '../../../src/agent/peer.ts';
import { Violation } from '../scenario.ts';
import type { Io } from './io.ts';
import type { Buffers, Fetch } from './messages.ts';

/** Milliseconds after which an answer is taken for lost. */
const AGAIN_MS = 300;
/** How often a fetch fails: of a result that its task cannot make again, more often, as there are few. */
const SELDOM = 0.05;
const OFTEN = 0.25;
/** So often is a value that stays at a node asked for, before that counts as lost. */
const MOST_TRIES = 10;

interface Fetching {
  readonly node: string;
  readonly number: number;
  /** Whether it is a value that stays there. */
  readonly isPlaced: boolean;
  readonly isResult: boolean;
  tries: number;
  readonly end: (fetched: Fetched) => void;
}

/** What the data plane of a member asks of what is around it. */
export interface DataOwner {
  /** Sends to a node, if there is a link to it. */
  send(node: string, message: Fetch | Buffers): void;
  /** Fetches have ended. */
  ended(): void;
}

/** A node's store of buffers, and its data plane: a model of `boot/agent-data.ts` and of what is below it. */
export class Data implements DataPort {
  readonly serves = true;
  /** Little: copies that no task needs go often, some at once. */
  readonly most = 150;
  readonly #io: Io;
  readonly #owner: DataOwner;
  readonly #buffers = new Map<number, { readonly bytes: Uint8Array; refs: number }>();
  readonly #served = new Map<number, readonly number[]>();
  readonly #fetches = new Map<number, Fetching>();
  #last = 0;

  constructor(io: Io, owner: DataOwner) {
    this.#io = io;
    this.#owner = owner;
  }

  /** Buffers, and what is served or fetched. */
  get size(): number {
    return this.#buffers.size + this.#served.size + this.#fetches.size;
  }

  /** Stores bytes; gives the buffer, with one reference. */
  put(bytes: Uint8Array): number {
    this.#buffers.set(++this.#last, { bytes, refs: 1 });
    return this.#last;
  }

  has(buffer: number): boolean {
    return this.#buffers.has(buffer);
  }

  read(buffer: number): Uint8Array {
    return this.#of(buffer).bytes;
  }

  #of(buffer: number): { readonly bytes: Uint8Array; refs: number } {
    const found = this.#buffers.get(buffer);
    if (found === undefined) throw new Violation(`buffer ${buffer} is gone`);
    return found;
  }

  share(buffer: number): void {
    this.#of(buffer).refs += 1;
  }

  release(buffer: number): void {
    const of = this.#of(buffer);
    of.refs -= 1;
    if (of.refs === 0) this.#buffers.delete(buffer);
  }

  serve(number: number, buffers: readonly number[]): void {
    for (const buffer of buffers) this.share(buffer);
    this.#served.set(number, buffers);
  }

  unserve(number: number): void {
    const buffers = this.#served.get(number);
    if (buffers === undefined) throw new Violation(`${number} is not served`);
    this.#served.delete(number);
    for (const buffer of buffers) this.release(buffer);
  }

  isAlone(number: number): boolean {
    return this.#served.get(number)?.every((buffer) => this.#of(buffer).refs === 1) === true;
  }

  pull({ node }: Peer, named: Named | Placed, urgency: Urgency, end: (fetched: Fetched) => void): () => void {
    const ticket = ++this.#last;
    this.#fetches.set(ticket, {
      node,
      number: named.number,
      isPlaced: 'node' in named,
      isResult: urgency === 'result',
      tries: 0,
      end,
    });
    this.#ask(ticket);
    return () => void this.#fetches.delete(ticket);
  }

  #ask(ticket: number): void {
    const one = this.#fetches.get(ticket);
    if (one === undefined) return;
    one.tries += 1;
    if (one.isPlaced && one.tries > MOST_TRIES) {
      this.#fetches.delete(ticket);
      one.end({ kind: 'lost', text: '' });
      this.#owner.ended();
      return;
    }
    this.#owner.send(one.node, { type: 'FETCH', ticket, number: one.number });
    this.#io.at(`pull ${ticket}`, this.#io.now + AGAIN_MS);
  }

  /** A timer has fired; false: it is none of the data plane's. */
  fired(timer: string): boolean {
    if (!timer.startsWith('pull ')) return false;
    this.#ask(Number(timer.slice('pull '.length)));
    return true;
  }

  /** Another node, which lives, asks for buffers. */
  asked(node: string, { ticket, number }: Fetch): void {
    const bytes = this.#served.get(number)?.map((buffer) => this.read(buffer));
    this.#owner.send(node, { type: 'BUFFERS', ticket, bytes: bytes ?? [] });
  }

  answered({ ticket, bytes }: Buffers): void {
    const one = this.#fetches.get(ticket);
    if (one === undefined) return;
    this.#fetches.delete(ticket);
    if (bytes.length === 0 && !one.isPlaced) throw new Violation(`${one.node} does not serve ${one.number}`);
    // Some have no room, and some were lost on their disk.
    const chance = this.#io.random();
    if (bytes.length === 0) one.end({ kind: 'lost', text: '' });
    else if (chance < (one.isResult && !one.isPlaced ? OFTEN : SELDOM))
      one.end({ kind: chance < 0.01 ? 'no-room' : 'lost', text: '' });
    else one.end({ kind: 'here', buffers: bytes.map((each) => this.put(each)) });
    this.#owner.ended();
  }
}
