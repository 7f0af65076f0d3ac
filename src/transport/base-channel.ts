import { isMobulaError } from '../common/errors.ts';
import { frameTooLong } from './errors.ts';
import { FRAME_BYTES, FRAME_COST, UNSENT_BYTES, WAIT_BYTES } from './limits.ts';
import type { Channel, CloseCode, Closed, Handlers } from './ports.ts';

const nobody: Handlers = { frame: () => {}, drained: () => {}, closed: () => {} };

/** What all channels do alike: limits, back-pressure, and one end. */
export abstract class BaseChannel implements Channel {
  readonly address: string;
  handlers: Handlers = nobody;
  #state: 'open' | 'closing' | 'closed' = 'open';
  /** A sender was asked to wait, and was not told to go on yet. */
  #waiting = false;
  #closing: Closed | undefined;

  constructor(address: string) {
    this.address = address;
  }

  abstract get unsent(): number;

  /** Puts a frame on its way. */
  protected abstract write(frame: Uint8Array): void;
  /** Ends the connection. `now`: what was not sent is dropped. `ended` follows in any case, not before this returns. */
  protected abstract end(code: CloseCode, text: string, now: boolean): void;

  send(frame: Uint8Array): boolean {
    if (frame.length > FRAME_BYTES) throw frameTooLong(frame.length);
    if (this.#state !== 'open') return false;
    if (this.unsent + frame.length + FRAME_COST > UNSENT_BYTES) {
      this.#close('unread', `the peer does not read: ${this.unsent} bytes wait for it`, true);
      return false;
    }
    this.write(frame);
    if (this.unsent < WAIT_BYTES) return true;
    this.#waiting = true;
    return false;
  }

  close(code: CloseCode, text: string): void {
    this.#close(code, text, false);
  }

  #close(code: CloseCode, text: string, now: boolean): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#closing = { code, text, by: 'us' };
    this.end(code, text, now);
  }

  /** The connection ends by itself because of what came. */
  protected fail(code: CloseCode, text: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#closing = { code, text, by: 'us' };
  }

  /** A frame came. A handler that finds it malformed ends the channel. */
  protected receive(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    try {
      this.handlers.frame(bytes);
    } catch (error) {
      if (!isMobulaError(error) || error.code !== 'ERR_MOBULA_FRAME') throw error;
      this.close('protocol', error.message);
    }
  }

  /** Something has left. */
  protected left(): void {
    if (!this.#waiting || this.#state !== 'open' || this.unsent >= WAIT_BYTES / 2) return;
    this.#waiting = false;
    this.handlers.drained();
  }

  /** The connection is gone. The first reason counts, and ours before the peer's. */
  protected ended(code: CloseCode, text: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    const closed = this.#closing ?? { code, text, by: 'peer' };
    const { handlers } = this;
    this.handlers = nobody;
    handlers.closed(closed);
  }
}
