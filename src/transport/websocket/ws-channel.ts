import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { queueMicrotask } from '../../common/timers.ts';
import { BaseChannel } from '../base-channel.ts';
import { FRAME_BYTES, FRAME_COST, WAIT_BYTES } from '../limits.ts';
import { type CloseCode, closeCodes } from '../ports.ts';
import { codeOf, LONGEST_REASON } from './close-codes.ts';

/** The state of a socket that is gone. */
const CLOSED = 3;

/** A channel over a socket of the package `ws`. */
export class WsChannel extends BaseChannel {
  readonly #websocket: WebSocket;
  readonly #socket: Duplex;
  /** Frames of one turn leave together. */
  #corked = false;
  /** Frames sent, and those of them that are known to have left. */
  #sent = 0;
  #left = 0;

  constructor(websocket: WebSocket, socket: Duplex, address: string) {
    super(address);
    this.#websocket = websocket;
    this.#socket = socket;
    websocket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.receive(data);
      else this.close('text', 'a text frame came, and all frames are binary');
    });
    websocket.on('error', (error: NodeJS.ErrnoException) => this.#broken(error));
    websocket.on('close', (code, reason) => this.ended(codeOf(code), reason.toString() || 'the connection ended'));
    socket.on('drain', () => this.left());
  }

  get unsent(): number {
    const bytes = this.#websocket.bufferedAmount;
    if (bytes === 0 || this.#websocket.readyState === CLOSED) return 0;
    return bytes + (this.#sent - this.#left) * FRAME_COST;
  }

  protected write(frame: Uint8Array): void {
    if (this.#websocket.bufferedAmount === 0) this.#left = this.#sent;
    this.#sent += 1;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      queueMicrotask(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    // To be told of each one would cost more than to send it.
    const asks = this.#sent % 64 === 0 || this.unsent + frame.length >= WAIT_BYTES;
    this.#websocket.send(frame, asks ? this.#whenLeft(this.#sent) : undefined);
  }

  #whenLeft(count: number): () => void {
    return () => {
      this.#left = Math.max(this.#left, count);
      this.left();
    };
  }

  protected end(code: CloseCode, text: string, now: boolean): void {
    if (now) this.#websocket.terminate();
    else this.#websocket.close(closeCodes[code], Buffer.from(text).subarray(0, LONGEST_REASON).toString());
  }

  #broken({ code, message }: NodeJS.ErrnoException): void {
    if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
      this.fail('too-long', `a frame longer than ${FRAME_BYTES} bytes came`);
    } else if (code?.startsWith('WS_ERR_') === true) {
      this.fail('protocol', message);
    } else {
      this.fail('lost', `the connection broke: ${message}`);
    }
  }
}
