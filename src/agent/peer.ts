import type { BegunSlots } from './begun.ts';
import type { NodeId } from './ports.ts';
import type { EntryReader } from './wire/entry.ts';
import { EntryStream, EntryWriter } from './wire/entry.ts';

/** Bytes of one message of a session. */
const BODY_BYTES = 256 * 1024;

/** Sends a message of the session with a node. */
export type SendBody = (to: NodeId, body: Uint8Array) => 'taken' | 'wait' | 'full' | 'ended';

/** Numbers of messages of one session: the last that was sent, and the last that has come. */
export interface Progress {
  readonly last: number;
  readonly acknowledged: number;
}

/** What a peer needs of what is around it. */
export interface PeerPorts {
  readonly send: SendBody;
  progress(node: NodeId): Progress;
  readonly slots: Pick<BegunSlots, 'release'>;
}

/** A message, with the slots of the tasks whose answers end in it. */
interface Message {
  readonly bytes: Uint8Array;
  readonly slots: readonly number[];
}

/** Another node, as this agent speaks with it: entries out, entries in. */
export class Peer {
  readonly node: NodeId;
  /** The bytes of its NodeId. */
  readonly id: Uint8Array;
  readonly out: EntryWriter = new EntryWriter();
  readonly #ports: PeerPorts;
  readonly #stream: EntryStream;
  /** What could not be sent yet. */
  readonly #held: Message[] = [];
  /** Slots of the tasks that were answered since the last flush. */
  #answered: number[] = [];
  /** Slots of tasks whose answers the peer has not acknowledged, with the number of the message. */
  readonly #unheard: { readonly n: number; readonly slots: readonly number[] }[] = [];
  #waits = false;
  /** Templates and code that it has been sent, by this node's numbers and by name. */
  readonly knows: Set<number | string> = new Set();

  constructor(node: NodeId, ports: PeerPorts, read: (peer: Peer, kind: number, entry: EntryReader) => void) {
    this.node = node;
    this.id = Buffer.from(node, 'hex');
    this.#ports = ports;
    this.#stream = new EntryStream((kind, entry) => read(this, kind, entry));
  }

  /** A message came. Its bytes are valid until the call returns. */
  feed(body: Uint8Array): void {
    this.#stream.feed(body);
  }

  /** The answer to a task is complete. Its slot is kept until the peer has it. */
  answered(slot: number): void {
    this.#answered.push(slot);
  }

  /** Sends the entries that are complete. */
  flush(): void {
    if (this.out.length > 0) {
      const bytes = this.out.take();
      for (let at = 0; at < bytes.length; at += BODY_BYTES) {
        const isLast = at + BODY_BYTES >= bytes.length;
        this.#held.push({ bytes: bytes.subarray(at, at + BODY_BYTES), slots: isLast ? this.#answered : [] });
      }
      this.#answered = [];
    }
    while (!this.#waits && this.#held.length > 0) {
      const { bytes, slots } = this.#held[0] as Message;
      const sent = this.#ports.send(this.node, bytes);
      if (sent === 'ended') {
        this.forget();
        return;
      }
      this.#waits = sent !== 'taken';
      if (sent === 'full') break;
      this.#held.shift();
      if (slots.length > 0) this.#unheard.push({ n: this.#ports.progress(this.node).last, slots });
    }
    this.#hear();
  }

  /** Gives back the slots of tasks whose answers have come. */
  #hear(): void {
    if (this.#unheard.length === 0) return;
    const { acknowledged } = this.#ports.progress(this.node);
    while (this.#unheard[0] !== undefined && this.#unheard[0].n <= acknowledged)
      this.#release(this.#unheard.shift()?.slots);
  }

  #release(slots: readonly number[] = []): void {
    for (const slot of slots) this.#ports.slots.release(slot);
  }

  /** It is dead: nothing is sent to it any more. */
  forget(): void {
    for (const { slots } of [...this.#held.splice(0), ...this.#unheard.splice(0)]) this.#release(slots);
    this.#release(this.#answered);
    this.#answered = [];
  }

  /** The session has room again. */
  go(): void {
    this.#waits = false;
    this.flush();
  }
}
