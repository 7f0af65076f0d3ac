import { queueMicrotask } from '../../common/timers.ts';
import { BaseChannel } from '../base-channel.ts';
import { type CloseCode, closeCodes } from '../ports.ts';
import { codeOf, LONGEST_REASON } from './close-codes.ts';
import type { UwsSocket } from './uws.ts';

/** A channel over a socket of uWebSockets.js. The socket is void once it is closed. */
export class UwsChannel extends BaseChannel {
  #socket: UwsSocket | undefined;

  constructor(socket: UwsSocket) {
    super(Buffer.from(socket.getRemoteAddressAsText()).toString());
    this.#socket = socket;
  }

  get unsent(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  protected write(frame: Uint8Array): void {
    if (this.#socket?.send(frame, true) !== DROPPED) return;
    this.fail('unread', 'the peer does not read what is sent to it');
    this.#socket.close();
  }

  protected end(code: CloseCode, text: string, now: boolean): void {
    if (now) this.#socket?.close();
    else this.#socket?.end(closeCodes[code], Buffer.from(text).subarray(0, LONGEST_REASON).toString());
  }

  message(message: ArrayBuffer, isBinary: boolean): void {
    if (isBinary) this.receive(new Uint8Array(message));
    else this.close('text', 'a text frame came, and all frames are binary');
  }

  drain(): void {
    this.left();
  }

  /** The socket is gone. Not told at once: this runs within `end` too. */
  gone(code: number, reason: ArrayBuffer): void {
    this.#socket = undefined;
    const text = Buffer.from(reason.slice(0)).toString() || 'the connection ended';
    queueMicrotask(() => this.ended(codeOf(code), text));
  }
}

const DROPPED = 2;
