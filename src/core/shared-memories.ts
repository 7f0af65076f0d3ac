import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';

import { ObjectLostError } from '../common/errors.ts';

/** A SharedArrayBuffer on its way to the other threads of the node. */
export interface SharedMemory {
  readonly id: number;
  readonly memory: SharedArrayBuffer;
}

/**
 * SharedArrayBuffers that values carry: they stay shared, so only a number travels with the value.
 *
 * The memory itself goes to every thread over a broadcast channel when it is first sent. Posting puts it into the
 * queue of every other thread before the value can get there, so a reader finds it there without waiting.
 */
export class SharedMemories {
  readonly #channel: BroadcastChannel;
  readonly #ids = new WeakMap<SharedArrayBuffer, number>();
  readonly #memories = new Map<number, SharedArrayBuffer>();
  readonly #prefix: number;
  #count = 0;

  /** `thread` is different for every thread of the node; `known` is what was shared before this one started. */
  constructor(channel: string, thread: number, known: readonly SharedMemory[]) {
    this.#channel = new BroadcastChannel(channel);
    this.#channel.unref();
    this.#prefix = (thread % 4096) * 2 ** 20;
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
    const id = this.#prefix + this.#count++;
    const shared: SharedMemory = { id, memory };
    this.#learn(shared);
    this.#channel.postMessage(shared);
    return id;
  }

  /** The memory with this number. */
  find(id: number): SharedArrayBuffer {
    const memory = this.#memories.get(id) ?? this.#receive(id);
    if (memory === undefined) throw new ObjectLostError('A SharedArrayBuffer is gone with the thread that shared it.');
    return memory;
  }

  #receive(id: number): SharedArrayBuffer | undefined {
    this.#receiveAll();
    return this.#memories.get(id);
  }

  #receiveAll(): void {
    // The types of Node 20 forget that a BroadcastChannel may be passed here.
    const port = this.#channel as unknown as Parameters<typeof receiveMessageOnPort>[0];
    for (let news = receiveMessageOnPort(port); news !== undefined; news = receiveMessageOnPort(port)) {
      this.#learn(news.message as SharedMemory);
    }
  }

  /** All that was shared so far, for a thread that is about to start. */
  all(): SharedMemory[] {
    this.#receiveAll();
    return [...this.#memories].map(([id, memory]) => ({ id, memory }));
  }

  close(): void {
    this.#channel.close();
  }
}
