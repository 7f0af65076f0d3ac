import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';
import { ObjectLostError } from '../../common/errors.ts';
import { ObjectRef } from '../refs/object-ref.ts';

/** What the threads of a node share instead of copying it: a SharedArrayBuffer, a WebAssembly.Module. */
export interface SharedThing {
  /** The node whose threads share it. */
  readonly nodeId: string;
  /** The object that stands for it in the core: it lives as long as a value or a thread needs the thing. */
  readonly index: number;
  readonly generation: number;
  readonly thing: object;
}

/** What is asked of the thread's runtime. */
export interface ThingHost {
  readonly nodeId: string;
  /** A ref to a new object, which stands for a thing. */
  hold(): ObjectRef<unknown>;
  /** How often the place of an object was used before. */
  generation(index: number): number;
}

interface Entry {
  readonly generation: number;
  readonly thing: object;
  /** This thread's reference, by which it can send the thing on; given back when it has not done so for a while. */
  ref: ObjectRef<unknown> | undefined;
  used: boolean;
}

/** One channel for all threads of the process; no other process hears it. */
const CHANNEL = 'mobula:things';
/** Milliseconds between two looks for things that nobody needs any more. */
const SWEEP_MS = 1000;

/**
 * Things that values carry and that stay shared: only the number of an object that stands for the thing travels with the value.
 * The core counts that object like any ref in a value, so it says when nobody needs the thing any more.
 *
 * The thing itself goes to every thread over a broadcast channel when it is first sent. Posting puts it into the
 * queue of every other thread before the value can get there, so a reader finds it there without waiting. A thread
 * opens its end before it asks for its assignment, and is told then what was shared before.
 */
export class SharedThings {
  readonly #channel = new BroadcastChannel(CHANNEL);
  readonly #indices = new WeakMap<object, number>();
  readonly #entries = new Map<number, Entry>();
  /** What came before it was known which node this thread belongs to. */
  #early: SharedThing[] = [];
  #host: ThingHost | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    // What arrives in a turn of the event loop comes as an event, and is gone if nobody listens.
    this.#channel.onmessage = (news: unknown) => this.#learn((news as { readonly data: SharedThing }).data);
    this.#channel.unref();
  }

  /** `known` is what was shared before this thread started. */
  begin(host: ThingHost, known: readonly SharedThing[]): void {
    this.#host = host;
    // What came meanwhile is newer.
    for (const shared of [...known, ...this.#early]) this.#learn(shared);
    this.#early = [];
  }

  #learn(shared: SharedThing): void {
    if (this.#host === undefined) {
      this.#early.push(shared);
      return;
    }
    const { nodeId, index, generation, thing } = shared;
    // Another runtime of the process uses the same numbers.
    if (nodeId !== this.#host.nodeId) return;
    this.#entries.set(index, { generation, thing, ref: undefined, used: true });
    this.#indices.set(thing, index);
    this.#timer ??= setInterval(() => this.#sweep(this.#host as ThingHost), SWEEP_MS).unref();
  }

  /** The object that stands for `thing` in a value. This thread holds a reference to it until the value is written. */
  share(thing: object): number {
    const known = this.#indices.get(thing);
    const entry = known === undefined ? undefined : this.#entries.get(known);
    if (known !== undefined && entry?.thing === thing && holds(entry.ref)) {
      entry.used = true;
      return known;
    }
    const host = this.#host as ThingHost;
    const ref = host.hold();
    const index = ObjectRef.index(ref);
    const shared: SharedThing = { nodeId: host.nodeId, index, generation: host.generation(index), thing };
    this.#channel.postMessage(shared);
    this.#learn(shared);
    (this.#entries.get(index) as Entry).ref = ref;
    return index;
  }

  /** The thing that an object stands for; `ref` is the reference that came with the value. */
  find(index: number, ref: ObjectRef<unknown>): object {
    const generation = (this.#host as ThingHost).generation(index);
    if (this.#entries.get(index)?.generation !== generation) this.#receive();
    const entry = this.#entries.get(index);
    if (entry?.generation !== generation) {
      throw new ObjectLostError('What a value shares with its sender is gone with the thread that shared it.');
    }
    if (!holds(entry.ref)) entry.ref = ref;
    entry.used = true;
    return entry.thing;
  }

  #receive(): void {
    // The types of Node 20 forget that a BroadcastChannel may be passed here.
    const port = this.#channel as unknown as Parameters<typeof receiveMessageOnPort>[0];
    for (let news = receiveMessageOnPort(port); news !== undefined; news = receiveMessageOnPort(port)) {
      this.#learn(news.message as SharedThing);
    }
  }

  /**
   * Lets go of things whose object is gone. A reference of this thread's that was not used since the last time is given back:
   * it would keep the thing for ever, as the thing is what it is found by. The thing is shared anew if it is sent again.
   */
  #sweep(host: ThingHost): void {
    for (const [index, entry] of this.#entries) {
      if (host.generation(index) !== entry.generation) this.#entries.delete(index);
      else if (!entry.used) {
        entry.ref?.[Symbol.dispose]();
        entry.ref = undefined;
      }
      entry.used = false;
    }
    if (this.#entries.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** All that is shared now, for a thread that is about to start. */
  all(): SharedThing[] {
    this.#receive();
    const { nodeId } = this.#host as ThingHost;
    return [...this.#entries].map(([index, { generation, thing }]) => ({ nodeId, index, generation, thing }));
  }

  /** How many things this thread knows of. */
  get size(): number {
    return this.#entries.size;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#entries.clear();
    this.#channel.close();
  }
}

/** Whether a reference was neither given back nor taken back by the core. */
function holds(ref: ObjectRef<unknown> | undefined): boolean {
  return ref !== undefined && ObjectRef.index(ref) >= 0;
}
