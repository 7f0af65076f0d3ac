import { encodeFailure, failure } from '../core/values/failures.ts';
import type { Commands } from './commands.ts';
import { bytesOf, type Named, type Placing, writeUnplaced } from './data/named.ts';
import type { DataPort, Fetched } from './data/ports.ts';
import type { Peer } from './peer.ts';
import type { NodeId } from './ports.ts';
import { type Unbuffered, writePlaced } from './values.ts';
import { writeDropped } from './wire/entries.ts';
import { type EntryWriter, malformed } from './wire/entry.ts';

/** A value of a task of this node's, which stays where it was made. */
interface Place {
  readonly number: number;
  readonly peer: Peer;
  readonly value: Unbuffered;
  /** Other nodes that may have a copy. */
  readonly nodes: Set<NodeId>;
  /** The object that it is being fetched for, and what drops the fetch. */
  fetch?: { readonly object: number; readonly drop: () => void } | undefined;
  /** Whether the core has it here, or an error in its place. */
  isHere: boolean;
  /** Whether it comes here for good, as its node leaves, or another node could not fetch it. */
  goes: boolean;
}

/** What a value is called that stays at a node, also when it is not known here any more. */
export interface NameOfPlace {
  readonly node: NodeId;
  readonly number: number;
  isThere(): boolean;
}

/** What places need of the agent. */
export interface PlacesPorts {
  readonly commands: Pick<Commands, 'lose' | 'bring' | 'here' | 'failHere' | 'lostHere'>;
  readonly data: DataPort;
  /** A node, unless it is dead. */
  peer(node: NodeId): Peer | undefined;
}

/**
 * Values that stay at other nodes. The core calls each by the number of its place, and says when the value is needed here, and when
 * nothing needs it any more. It hears when a place is lost.
 */
export class Places {
  readonly #ports: PlacesPorts;
  readonly #byNumber = new Map<number, Place>();
  readonly #byPeer = new Map<Peer, Map<number, Place>>();
  #last = 0;
  /** Nodes by the numbers that the core knows, which rise. */
  readonly #nodes = new Map<number, NodeId>();
  readonly #nodeNumbers = new Map<NodeId, number>();
  #lastNode = 0;

  constructor(ports: PlacesPorts) {
    this.#ports = ports;
  }

  /** How many values stay elsewhere. */
  get size(): number {
    return this.#byNumber.size;
  }

  /** A value stays at a node. */
  add(peer: Peer, value: Unbuffered): Placing {
    const ofPeer = this.#byPeer.get(peer) ?? new Map<number, Place>();
    if (ofPeer.has(value.named.number)) throw malformed(`buffers ${value.named.number} that are named twice`);
    // Numbers are 32 bits in the core: after the last, those are used again that are free.
    do this.#last = (this.#last + 1) >>> 0;
    while (this.#byNumber.has(this.#last));
    const place: Place = { number: this.#last, peer, value, nodes: new Set(), isHere: false, goes: false };
    this.#byNumber.set(place.number, place);
    this.#byPeer.set(peer, ofPeer.set(value.named.number, place));
    return { place: place.number, node: this.#nodeNumber(peer), bytes: bytesOf(value.named) };
  }

  #nodeNumber({ node }: Peer): number {
    let number = this.#nodeNumbers.get(node);
    if (number === undefined) {
      number = ++this.#lastNode;
      this.#nodes.set(number, node);
      this.#nodeNumbers.set(node, number);
    }
    return number;
  }

  /** The node that the core knows by this number, unless it is dead. */
  nodeOf(number: number): NodeId | undefined {
    return this.#nodes.get(number);
  }

  /** What the value of a place is called in the whole cluster. */
  nameOf(number: number): NameOfPlace {
    const { peer, value } = this.#of(number);
    return { node: peer.node, number: value.named.number, isThere: () => this.#byNumber.get(number)?.peer === peer };
  }

  /** Whether all these are known, and not lost. */
  haveAll(numbers: Iterable<number>): boolean {
    for (const number of numbers) if (!this.#byNumber.has(number)) return false;
    return true;
  }

  /** Writes the value of a place, as an argument of a task that goes to `node`. */
  write(to: EntryWriter, number: number, node: NodeId): void {
    const { peer, value, nodes } = this.#of(number);
    if (node !== peer.node) nodes.add(node);
    writePlaced(to, value, peer.node);
  }

  #of(number: number): Place {
    const place = this.#byNumber.get(number);
    if (place === undefined) throw new Error(`there is no place ${number}`);
    return place;
  }

  /** The core needs the value of a place here: `object` is settled with it, or with why that cannot be, or as lost. */
  need(number: number, object: number): void {
    const place = this.#byNumber.get(number);
    if (place === undefined) {
      this.#ports.commands.lostHere(object);
      return;
    }
    const { peer, value } = place;
    const drop = this.#ports.data.pull(peer, { ...value.named, node: peer.node }, 'result', (fetched) => {
      place.fetch = undefined;
      this.#fetched(place, object, fetched);
    });
    place.fetch = { object, drop };
  }

  #fetched(place: Place, object: number, fetched: Fetched): void {
    const { commands } = this.#ports;
    place.isHere = true;
    // Of what comes for good nobody has asked: it is made again when somebody does.
    if (fetched.kind === 'here') commands.here(object, place.value, fetched.buffers);
    else if (fetched.kind === 'no-room' && !place.goes)
      commands.failHere(object, encodeFailure(failure.noRoom, 1, '', fetched.text));
    else commands.lostHere(object);
    if (place.goes || fetched.kind === 'lost') this.#lose(place);
  }

  /** The core knows the place no more, and its node need not keep it. */
  #lose(place: Place): void {
    this.#ports.commands.lose(place.number);
    this.#end(place);
  }

  #end(place: Place): void {
    const { number, peer, value } = place;
    this.#byNumber.delete(number);
    this.#byPeer.get(peer)?.delete(value.named.number);
    writeDropped(peer.out, value.named.number);
    for (const node of place.nodes) {
      const other = this.#ports.peer(node);
      if (other !== undefined) writeUnplaced(other.out, peer.node, value.named.number);
    }
  }

  /** Nothing needs the value of a place any more. It is not being fetched: the core would wait for that. */
  drop(number: number): void {
    const place = this.#byNumber.get(number);
    if (place !== undefined) this.#end(place);
  }

  /** Another node could not fetch the value of a place. It comes here; if it cannot come either, it is lost. */
  doubt(node: NodeId, { number }: Named): void {
    for (const [peer, places] of this.#byPeer) {
      const place = peer.node === node ? places.get(number) : undefined;
      if (place !== undefined) this.#bring(place);
    }
  }

  /** The node of a value leaves. */
  bring(number: number): void {
    this.#bring(this.#of(number));
  }

  /** A node leaves: what stays there comes here. */
  bringAll(peer: Peer): void {
    for (const place of [...(this.#byPeer.get(peer)?.values() ?? [])]) this.#bring(place);
  }

  /** What is at a place comes here for good. Tasks that take it wait for that. */
  #bring(place: Place): void {
    if (place.goes) return;
    place.goes = true;
    if (place.isHere) this.#lose(place);
    else this.#ports.commands.bring(place.number);
  }

  /** A node is dead, and what was there is lost. */
  forgetPeer(peer: Peer): void {
    const places = this.#byPeer.get(peer);
    this.#byPeer.delete(peer);
    for (const place of places?.values() ?? []) {
      this.#byNumber.delete(place.number);
      this.#ports.commands.lose(place.number);
      const { fetch } = place;
      if (fetch === undefined) continue;
      fetch.drop();
      this.#ports.commands.lostHere(fetch.object);
    }
    const number = this.#nodeNumbers.get(peer.node);
    if (number === undefined) return;
    this.#nodeNumbers.delete(peer.node);
    this.#nodes.delete(number);
  }
}
