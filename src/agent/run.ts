import type { Peer } from './peer.ts';
import { type Attempted, answer } from './wire/entries.ts';

/** One attempt of a task of another node, until it is answered. */
export class Run implements Attempted {
  readonly peer: Peer;
  readonly index: number;
  readonly generation: number;
  readonly attempt: number;
  /** In the page of begun tasks. */
  readonly slot: number;
  /** The objects of its results, and what the core calls the subscriptions to these. */
  readonly objects: readonly number[];
  readonly tokens: number[] = [];
  missing: number;
  what: number = answer.values;
  /** Values that came, where they are several or have to be renamed, and the templates that they name. */
  readonly parts: Uint8Array[] = [];
  readonly templates: number[] = [];

  constructor(peer: Peer, { index, generation, attempt }: Attempted, objects: readonly number[], slot: number) {
    this.peer = peer;
    this.index = index;
    this.generation = generation;
    this.attempt = attempt;
    this.slot = slot;
    this.objects = objects;
    this.missing = objects.length;
  }
}
