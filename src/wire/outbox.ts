import { setImmediate } from '../common/timers.ts';
import type { Channel } from '../transport/ports.ts';

/** What may wait for a peer that does not read. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Frames for a channel. Those of one turn of the event loop leave together: a system call costs as much as many frames. And there
 * may be more to say at once than a channel takes, as in a snapshot. A peer that leaves more than 64 MiB waiting loses the channel:
 * it comes back, and asks for what it has missed.
 */
export class Outbox {
  readonly #channel: Channel;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #blocked = false;
  #scheduled = false;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  send(frame: Uint8Array): void {
    this.#waiting.push(frame);
    this.#bytes += frame.length;
    if (this.#bytes > MOST_BYTES) {
      this.clear();
      this.#channel.close('unread', `more than ${MOST_BYTES} bytes wait for the peer`);
    } else if (!this.#scheduled && !this.#blocked) {
      this.#scheduled = true;
      setImmediate(this.#flush);
    }
  }

  /** The channel takes frames again. */
  drained(): void {
    this.#blocked = false;
    this.#flush();
  }

  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  /** Sends what there is and then ends the channel. */
  close(code: Parameters<Channel['close']>[0], text: string): void {
    this.#flush();
    this.clear();
    this.#channel.close(code, text);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    const waiting = this.#waiting;
    let n = 0;
    while (n < waiting.length && !this.#blocked) {
      const frame = waiting[n] as Uint8Array;
      n += 1;
      this.#bytes -= frame.length;
      this.#blocked = !this.#channel.send(frame);
    }
    this.#waiting = n === waiting.length ? [] : waiting.slice(n);
  };
}
