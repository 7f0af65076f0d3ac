import type { NodeId } from './ports.ts';
import { writeSettled } from './wire/entries.ts';
import type { EntryReader } from './wire/entry.ts';
import { EntryStream, EntryWriter } from './wire/entry.ts';

/** Bytes of one message of a session. */
const BODY_BYTES = 256 * 1024;
/** So many answers that have come, or milliseconds, and the peer is told, though nothing else goes there. */
const MANY_ANSWERS = 256;
const ANSWERS_MS = 20;

/** Sends a message of the session with a node. */
export type SendBody = (to: NodeId, body: Uint8Array) => 'taken' | 'wait' | 'full' | 'ended';

/** Another node, as this agent speaks with it: entries out, entries in. */
export class Peer {
  readonly node: NodeId;
  /** The bytes of its NodeId. */
  readonly id: Uint8Array;
  readonly out: EntryWriter = new EntryWriter();
  readonly #session: SendBody;
  readonly #stream: EntryStream;
  /** What could not be sent yet. */
  readonly #held: Uint8Array[] = [];
  #waits = false;
  /** Answers that have come and the peer was not told of, and when it is told of them at the latest. */
  #answers = 0;
  /** Those that count later, and those that have come since. */
  readonly #late: { counts: boolean }[] = [];
  #due = Number.POSITIVE_INFINITY;
  /** Whether it has said that it leaves. */
  leaves = false;
  /** Templates and code that it has been sent, by this node's numbers and by name. */
  readonly knows: Set<number | string> = new Set();

  constructor(node: NodeId, send: SendBody, read: (peer: Peer, kind: number, entry: EntryReader) => void) {
    this.node = node;
    this.id = Buffer.from(node, 'hex');
    this.#session = send;
    this.#stream = new EntryStream((kind, entry) => read(this, kind, entry));
  }

  /** A message came. Its bytes are valid until the call returns. */
  feed(body: Uint8Array): void {
    this.#stream.feed(body);
  }

  /** An answer has come. */
  answered(): void {
    if (this.#late.length === 0) this.#answers += 1;
    else this.#late.push({ counts: true });
  }

  /** An answer has come that counts later: as soon as this is called. The peer is told of answers in the order in which they came. */
  answeredLater(): () => void {
    const mark = { counts: false };
    this.#late.push(mark);
    return () => {
      mark.counts = true;
      while (this.#late[0]?.counts === true) {
        this.#late.shift();
        this.#answers += 1;
      }
    };
  }

  /** Sends the entries that are complete. Gives when it is to be called again, if nothing else calls. */
  flush(now: number): number {
    if (this.#answers > 0 && (this.out.length > 0 || this.#answers >= MANY_ANSWERS || now >= this.#due)) {
      writeSettled(this.out, this.#answers);
      this.#answers = 0;
      this.#due = Number.POSITIVE_INFINITY;
    }
    if (this.#answers > 0) this.#due = Math.min(this.#due, now + ANSWERS_MS);
    this.#send();
    return this.#due;
  }

  #send(): void {
    if (this.out.length > 0) {
      const bytes = this.out.take();
      for (let at = 0; at < bytes.length; at += BODY_BYTES) this.#held.push(bytes.subarray(at, at + BODY_BYTES));
    }
    while (!this.#waits && this.#held.length > 0) {
      const sent = this.#session(this.node, this.#held[0] as Uint8Array);
      if (sent === 'ended') {
        this.#held.length = 0;
        return;
      }
      this.#waits = sent !== 'taken';
      if (sent !== 'full') this.#held.shift();
    }
  }

  /** The session has room again. */
  go(): void {
    this.#waits = false;
    this.#send();
  }
}
