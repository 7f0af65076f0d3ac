import type { Peer } from '../peer.ts';
import type { NodeId } from '../ports.ts';
import { malformed } from '../wire/entry.ts';
import { OUTPUT_BYTES, writeHeard } from '../wire/output.ts';
import { costOf, type Part } from './lines.ts';
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
  /** Bytes that have come since it was told, by job: of the peer whose message is being read. */
  readonly #came = new Map<number, number>();

  /** `pass`: gives it to the driver, before any result that comes later. */
  constructor(pass: (arrivals: readonly Arrival[]) => void) {
    this.#pass = pass;
  }

  output(peer: Peer, part: Part): void {
    const cost = costOf(part.data);
    const unread = (this.#unread.get(peer) ?? 0) + cost;
    if (unread > WINDOW_BYTES + SLACK_BYTES) throw malformed('more output than may be sent');
    this.#unread.set(peer, unread);
    const { job } = part.source;
    this.#came.set(job, (this.#came.get(job) ?? 0) + cost);
    this.#held.push({ kind: 'output', node: peer.node, part });
  }

  lost(peer: Peer, lost: Lost): void {
    this.#held.push({ kind: 'lost', node: peer.node, lost });
  }

  /** A message of a peer was read. */
  endMessage(peer: Peer): void {
    if (this.#held.length > 0) this.flush();
    for (const [job, arrived] of this.#came) writeHeard(peer.out, { job, arrived, printed: 0 });
    this.#came.clear();
  }

  /** Passes on what came: before a result is, and when a message was read. */
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
    writeHeard(peer.out, { job, arrived: 0, printed: bytes });
  }

  forgetPeer(peer: Peer): void {
    this.#unread.delete(peer);
  }
}
