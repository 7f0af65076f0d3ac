import type { Peer } from '../peer.ts';
import { malformed } from '../wire/entry.ts';
import { bytesOf, type Named, type Placed } from './named.ts';
import type { DataPort, Failed, Fetched } from './ports.ts';

/** Is told that a copy is here, or why it cannot be. */
export type CopyUser = (failed?: Failed, copy?: Copy) => void;

/** Buffers of another node that are here, or on their way. */
export interface Copy {
  readonly peer: Peer;
  readonly number: number;
  readonly lengths: readonly number[];
  readonly bytes: number;
  /** Set once they are here. */
  buffers: readonly number[] | undefined;
  /** Who waits for them, or is about to use them. */
  readonly users: Set<CopyUser>;
  /** The node whose tasks take it. */
  readonly submitter: Peer;
  /** Whether it is of a value that stays at that node, and is no argument of that node's. */
  readonly isPlaced: boolean;
  /** Whether it goes with its last user. */
  isOver: boolean;
  /** Drops the fetch. */
  drop: () => void;
}

/** Copies of what tasks of other nodes take as arguments. One that no task needs just now stays for the next, as long as there is room. */
export class Copies {
  readonly #data: DataPort;
  readonly #byPeer = new Map<Peer, Map<number, Copy>>();
  /** Those that no task needs just now, the one that was used longest ago first. */
  readonly #idle = new Set<Copy>();
  #idleBytes = 0;

  constructor(data: DataPort) {
    this.#data = data;
  }

  /**
   * `peer` serves it, for tasks of `submitter`. `ready` is called later, once, if the copy is not here yet; `letGo` with the same function
   * ends the use in any case.
   */
  use(peer: Peer, submitter: Peer, named: Named | Placed, ready: CopyUser): Copy {
    const all = this.#byPeer.get(peer) ?? new Map<number, Copy>();
    this.#byPeer.set(peer, all);
    const copy = all.get(named.number) ?? this.#fetch(peer, submitter, named, all);
    if (copy.lengths.join() !== named.lengths.join()) throw malformed(`buffers ${named.number} have two lengths`);
    copy.users.add(ready);
    if (this.#idle.delete(copy)) this.#idleBytes -= copy.bytes;
    return copy;
  }

  /** Whether there is a copy already. */
  isHere(peer: Peer, { number }: Named | Placed): boolean {
    return this.#byPeer.get(peer)?.get(number)?.buffers !== undefined;
  }

  #fetch(peer: Peer, submitter: Peer, named: Named | Placed, all: Map<number, Copy>): Copy {
    const { number, lengths } = named;
    const isPlaced = 'node' in named;
    const copy: Copy = {
      peer,
      number,
      lengths,
      bytes: bytesOf(named),
      buffers: undefined,
      users: new Set(),
      submitter,
      isPlaced,
      isOver: false,
      drop: this.#data.pull(peer, named, 'argument', (fetched) => this.#ended(copy, fetched)),
    };
    all.set(number, copy);
    return copy;
  }

  #ended(copy: Copy, fetched: Fetched): void {
    const users = [...copy.users];
    if (fetched.kind === 'here') {
      copy.buffers = fetched.buffers;
      for (const ready of users) if (copy.users.has(ready)) ready();
      return;
    }
    this.#fail(copy, fetched);
  }

  #fail(copy: Copy, failed: Failed): void {
    // Who wants it next tries again.
    this.#forget(copy);
    // One that is told may end others, which wait for it.
    for (const ready of [...copy.users]) if (copy.users.has(ready)) ready(failed, copy);
  }

  #forget(copy: Copy): void {
    const all = this.#byPeer.get(copy.peer);
    if (all?.get(copy.number) === copy) all.delete(copy.number);
  }

  /** One more reference to each buffer, which are the caller's. */
  share({ number, buffers }: Copy): readonly number[] {
    if (buffers === undefined) throw new Error(`the buffers ${number} are not here`);
    for (const buffer of buffers) this.#data.share(buffer);
    return buffers;
  }

  /** A use is over. */
  letGo(copy: Copy, ready: CopyUser): void {
    if (!copy.users.delete(ready) || copy.users.size > 0) return;
    if (copy.isOver || copy.buffers === undefined || this.#byPeer.get(copy.peer)?.get(copy.number) !== copy) {
      this.#end(copy);
      return;
    }
    this.#idle.add(copy);
    this.#idleBytes += copy.bytes;
    for (const oldest of this.#idle) {
      if (this.#idleBytes <= this.#data.most) break;
      this.#end(oldest);
    }
  }

  /** The peer needs it no more, and names it no more. */
  unnamed(peer: Peer, number: number): void {
    const copy = this.#byPeer.get(peer)?.get(number);
    if (copy === undefined || copy.isPlaced) return;
    if (copy.users.size > 0) throw malformed(`buffers ${number} end that a task names`);
    this.#end(copy);
  }

  /** Nothing needs a value any more that stays at that peer; but for tasks that were sent before it was lost there. */
  unplaced(peer: Peer, number: number): void {
    const copy = this.#byPeer.get(peer)?.get(number);
    if (copy?.isPlaced !== true) return;
    if (copy.users.size > 0) copy.isOver = true;
    else this.#end(copy);
  }

  /** The peer is dead: its tasks need nothing any more. Those of others that need what stays there hear of it. */
  forgetPeer(peer: Peer): void {
    const text = `node ${peer.node}, where it was, died`;
    for (const copy of this.#byPeer.get(peer)?.values() ?? []) {
      if (copy.users.size > 0 && copy.buffers === undefined) {
        copy.drop();
        this.#fail(copy, { kind: 'lost', text });
      } else if (copy.users.size === 0) this.#end(copy);
    }
    this.#byPeer.delete(peer);
    for (const [other, copies] of this.#byPeer) {
      for (const { submitter, number } of copies.values()) if (submitter === peer) this.unplaced(other, number);
    }
  }

  #end(copy: Copy): void {
    if (this.#idle.delete(copy)) this.#idleBytes -= copy.bytes;
    this.#forget(copy);
    const { buffers } = copy;
    // Once.
    copy.buffers = undefined;
    if (buffers === undefined) copy.drop();
    else for (const buffer of buffers) this.#data.release(buffer);
  }
}
