import type { Channel } from '../transport/ports.ts';

/** What may wait for a peer that does not read. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Frames for a channel that may be slower than what there is to say, as a snapshot is. A peer that leaves more than 64 MiB waiting
 * loses the channel: it comes back, and asks for what it has missed.
 */
export class Outbox {
  readonly #channel: Channel;
  readonly #waiting: Uint8Array[] = [];
  #bytes = 0;
  #blocked = false;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  send(frame: Uint8Array): void {
    if (!this.#blocked) {
      this.#blocked = !this.#channel.send(frame);
      return;
    }
    this.#waiting.push(frame);
    this.#bytes += frame.length;
    if (this.#bytes <= MOST_BYTES) return;
    this.clear();
    this.#channel.close('unread', `more than ${MOST_BYTES} bytes wait for the peer`);
  }

  drained(): void {
    this.#blocked = false;
    let n = 0;
    while (n < this.#waiting.length && !this.#blocked) {
      const frame = this.#waiting[n] as Uint8Array;
      n += 1;
      this.#bytes -= frame.length;
      this.#blocked = !this.#channel.send(frame);
    }
    this.#waiting.splice(0, n);
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#bytes = 0;
  }
}
