import type { ThreadRuntime } from '../core/runtime.ts';
import { writeUnplaced } from './data/named.ts';
import type { Serving } from './data/serving.ts';
import type { ExportedTemplates } from './exported.ts';
import type { Peer } from './peer.ts';
import type { Places } from './places.ts';
import type { NodeId } from './ports.ts';
import { type WireValues, writeRenamed } from './values.ts';
import { beginRun, type CancelEntry, entry, type RunHead, valuesOf, writeCancel } from './wire/entries.ts';
import { EntryWriter } from './wire/entry.ts';

/** A task in the inbox, on its way to another node. */
export interface Outgoing {
  readonly head: RunHead;
  /** Where its arguments begin; the values of those that were refs follow. */
  readonly argsAt: number;
  /** The places of those that stay at other nodes, by their position. */
  readonly placed: ReadonlyMap<number, number>;
}

/** How many values it has in the inbox. */
function valuesIn({ head, placed }: Outgoing): number {
  return valuesOf(head) - placed.size;
}

/** A task that goes once the code of its function was read, and what stops it, which goes behind it. */
interface Held {
  readonly head: RunHead;
  readonly cancels: CancelEntry[];
}

/** Values of a task that were encoded anew, by their place. */
type Parts = ReadonlyMap<number, Uint8Array>;

/** Sends tasks that the core has handed out. */
export class Sending {
  /** By the place of the task in the core. One whose peer has died is replaced by the next that has its place. */
  readonly #held = new Map<number, Held>();
  /** The buffers that tasks name which are out, by the place of the task. */
  readonly #named = new Map<number, readonly number[]>();
  readonly #runtime: ThreadRuntime;
  readonly #values: WireValues;
  readonly #exported: ExportedTemplates;
  readonly #serving: Serving;
  readonly #places: Pick<Places, 'write' | 'nameOf'>;
  /** Where the task goes that is being written, and what it names. */
  #to: NodeId = '';
  #names: number[] = [];

  constructor(
    runtime: ThreadRuntime,
    values: WireValues,
    exported: ExportedTemplates,
    serving: Serving,
    places: Pick<Places, 'write' | 'nameOf'>,
  ) {
    this.#runtime = runtime;
    this.#values = values;
    this.#exported = exported;
    this.#serving = serving;
    this.#places = places;
  }

  /**
   * Writes a task into what goes to `peer`; later, if the code of its function was not read yet. `isWanted`: whether it is still
   * to go then.
   */
  send(peer: Peer, task: Outgoing, isWanted: () => boolean): void {
    if (peer.knows.has(task.head.template) && !this.#carriesCode(task)) {
      // The commonest: from the inbox into what goes out.
      this.#write(peer.out, peer.node, task, undefined);
      return;
    }
    const named = [task.head.template];
    const parts = this.#renamed(task, named);
    const tell = (): boolean => this.#exported.tell(peer, named, again);
    const { head, placed } = task;
    const held: Held = { head, cancels: [] };
    const names = [...placed.values()].map((place) => this.#places.nameOf(place));
    let bytes: Uint8Array | undefined;
    const again = (): void => {
      if (bytes === undefined || !isWanted() || !tell()) return;
      peer.out.append(bytes);
      bytes = undefined;
      // What was told of the end of these came before it.
      for (const { node, number, isThere } of names) if (!isThere()) writeUnplaced(peer.out, node, number);
      for (const cancel of held.cancels) writeCancel(peer.out, cancel);
      if (this.#held.get(head.index) === held) this.#held.delete(head.index);
    };
    if (tell()) {
      this.#write(peer.out, peer.node, task, parts);
      return;
    }
    const writer = new EntryWriter();
    this.#write(writer, peer.node, task, parts);
    bytes = writer.take();
    this.#held.set(head.index, held);
  }

  /** A task is not sent: the handles that came in its values go. */
  drop(task: Outgoing): void {
    let at = task.argsAt;
    for (let i = valuesIn(task); i > 0; i--) {
      if (this.#values.carriesCode(at)) this.#values.rename(at);
      at = this.#runtime.values.skip(at);
    }
  }

  /** A task is out no more. */
  landed(index: number, now: number): void {
    const names = this.#named.get(index);
    if (names === undefined) return;
    this.#named.delete(index);
    for (const number of names) this.#serving.argumentOver(number, now);
  }

  /** Stops a task that was sent. */
  cancel(peer: Peer, cancel: CancelEntry): void {
    const held = this.#held.get(cancel.index);
    if (held?.head.generation === cancel.generation && held.head.attempt === cancel.attempt) held.cancels.push(cancel);
    else writeCancel(peer.out, cancel);
  }

  #carriesCode(task: Outgoing): boolean {
    let at = task.argsAt;
    for (let i = valuesIn(task); i > 0; i--) {
      if (this.#values.carriesCode(at)) return true;
      at = this.#runtime.values.skip(at);
    }
    return false;
  }

  /** The values that carry code, by their place; the templates that they name are added to `named`. */
  #renamed(task: Outgoing, named: number[]): Parts | undefined {
    const { values } = this.#runtime;
    let parts: Map<number, Uint8Array> | undefined;
    let at = task.argsAt;
    for (let i = 0; i < valuesIn(task); i++) {
      if (this.#values.carriesCode(at)) {
        const { bytes, templates } = this.#values.rename(at);
        named.push(...templates);
        parts ??= new Map();
        parts.set(i, bytes);
      }
      at = values.skip(at);
    }
    return parts;
  }

  #write(to: EntryWriter, node: NodeId, task: Outgoing, parts: Parts | undefined): void {
    const { head, argsAt, placed } = task;
    const { values } = this.#runtime;
    this.#to = node;
    beginRun(to, head);
    let at = argsAt;
    let next = 0;
    for (let i = 0; i < valuesIn(task); i++) {
      const renamed = parts?.get(i);
      if (renamed === undefined) this.#values.write(to, at, this.#serve);
      else writeRenamed(to, renamed);
      at = values.skip(at);
      next = this.#writePlaced(to, node, placed, next);
    }
    if (placed.size > 0) to.become(entry.runNamed);
    if (this.#names.length > 0) {
      to.become(entry.runNamed);
      this.#named.set(head.index, this.#names);
      this.#names = [];
    }
    to.end();
  }

  /** The values that stay elsewhere, from an argument on to the next that does not. Gives the position of what follows that one. */
  #writePlaced(to: EntryWriter, node: NodeId, placed: Outgoing['placed'], from: number): number {
    let next = from;
    if (placed.size === 0) return next;
    for (let place = placed.get(next); place !== undefined; place = placed.get(++next))
      this.#places.write(to, place, node);
    return next + 1;
  }

  readonly #serve = (buffers: readonly number[]): number => {
    const number = this.#serving.argument(buffers, this.#to);
    this.#names.push(number);
    return number;
  };
}
