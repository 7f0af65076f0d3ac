import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';

import { ObjectLostError } from '../../common/errors.ts';

/** A SharedArrayBuffer on its way to the other threads of the node. */
export interface SharedMemory {
  readonly id: number;
  readonly memory: SharedArrayBuffer;
}

/** One channel for all threads of the process; no other process hears it. */
const CHANNEL = 'mobula:memories';
/** Numbers that one thread can give out. */
const PER_THREAD = 2 ** 20;

/**
 * SharedArrayBuffers that values carry: they stay shared, so only a number travels with the value.
 *
 * The memory itself goes to every thread over a broadcast channel when it is first sent. Posting puts it into the
 * queue of every other thread before the value can get there, so a reader finds it there without waiting. A thread
 * opens its end before it asks for its assignment, and is told then what was shared before.
 */
export class SharedMemories {
  readonly #channel = new BroadcastChannel(CHANNEL);
  readonly #ids = new WeakMap<SharedArrayBuffer, number>();
  readonly #memories = new Map<number, SharedArrayBuffer>();
  #next = 0;

  constructor() {
    // What arrives in a turn of the event loop comes as an event, and is gone if nobody listens.
    this.#channel.onmessage = (news: unknown) => this.#learn((news as { readonly data: SharedMemory }).data);
    this.#channel.unref();
  }

  /** `thread` is different for every thread there was; `known` is what was shared before this one started. */
  begin(thread: number, known: readonly SharedMemory[]): void {
    this.#next = (thread % 4096) * PER_THREAD;
    for (const shared of known) this.#learn(shared);
  }

  #learn({ id, memory }: SharedMemory): void {
    this.#memories.set(id, memory);
    this.#ids.set(memory, id);
  }

  /** The number under which other threads find `memory`. */
  share(memory: SharedArrayBuffer): number {
    const known = this.#ids.get(memory);
    if (known !== undefined) return known;
    const shared: SharedMemory = { id: this.#next++, memory };
    this.#learn(shared);
    this.#channel.postMessage(shared);
    return shared.id;
  }

  /** The memory with this number. */
  find(id: number): SharedArrayBuffer {
    if (!this.#memories.has(id)) this.#receive();
    const memory = this.#memories.get(id);
    if (memory === undefined) throw new ObjectLostError('A SharedArrayBuffer is gone with the thread that shared it.');
    return memory;
  }

  #receive(): void {
    // The types of Node 20 forget that a BroadcastChannel may be passed here.
    const port = this.#channel as unknown as Parameters<typeof receiveMessageOnPort>[0];
    for (let news = receiveMessageOnPort(port); news !== undefined; news = receiveMessageOnPort(port)) {
      this.#learn(news.message as SharedMemory);
    }
  }

  /** All that was shared so far, for a thread that is about to start. */
  all(): SharedMemory[] {
    this.#receive();
    return [...this.#memories].map(([id, memory]) => ({ id, memory }));
  }

  close(): void {
    this.#channel.close();
  }
}
