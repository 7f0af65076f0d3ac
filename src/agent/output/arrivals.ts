import type { Peer } from '../peer.ts';
import type { NodeId } from '../ports.ts';
import { malformed } from '../wire/entry.ts';
import { OUTPUT_BYTES, writePrinted } from '../wire/output.ts';
import type { Part } from './lines.ts';
import { type Lost, WINDOW_BYTES } from './window.ts';

/** Something for the driver to print. */
export type Arrival =
  | { readonly kind: 'output'; readonly node: NodeId; readonly part: Part }
  | { readonly kind: 'lost'; readonly node: NodeId; readonly lost: Lost };

/** What nodes may have sent beyond the window: one part, and the ends of lines. */
const SLACK_BYTES = 2 * OUTPUT_BYTES;

/** Output of other nodes, on its way to the driver that prints it. */
export class Arrivals {
  readonly #pass: (arrivals: readonly Arrival[]) => void;
  #held: Arrival[] = [];
  /** Bytes that were not printed yet, by node. */
  readonly #unread = new Map<Peer, number>();

  /** `pass`: gives it to the driver, before any result that comes later. */
  constructor(pass: (arrivals: readonly Arrival[]) => void) {
    this.#pass = pass;
  }

  output(peer: Peer, part: Part): void {
    const unread = (this.#unread.get(peer) ?? 0) + part.data.length;
    if (unread > WINDOW_BYTES + SLACK_BYTES) throw malformed('more output than may be sent');
    this.#unread.set(peer, unread);
    this.#held.push({ kind: 'output', node: peer.node, part });
  }

  lost(peer: Peer, lost: Lost): void {
    this.#held.push({ kind: 'lost', node: peer.node, lost });
  }

  /** Passes on what came: before a result is, and when all that came was read. */
  flush(): void {
    if (this.#held.length === 0) return;
    const arrivals = this.#held;
    this.#held = [];
    this.#pass(arrivals);
  }

  /** The driver has printed so many bytes of a node. */
  printed(peer: Peer, job: number, bytes: number): void {
    const unread = this.#unread.get(peer);
    if (unread === undefined) return;
    this.#unread.set(peer, unread - bytes);
    writePrinted(peer.out, job, bytes);
  }

  forgetPeer(peer: Peer): void {
    this.#unread.delete(peer);
  }
}
