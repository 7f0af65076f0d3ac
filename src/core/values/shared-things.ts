import type { BroadcastChannel } from 'node:worker_threads';
import { ObjectLostError } from '../../common/errors.ts';
import { clearInterval, setInterval } from '../../common/timers.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import { asMessage, fitsBroadcast, type HubMessage, Line, pendingOf, thingOf } from './hub.ts';
import { NotHereYet } from './not-here-yet.ts';
import type { SharedThing } from './shared-thing.ts';
import { openThingsChannel } from './things-channel.ts';

/** What is asked of the thread's runtime. */
export interface ThingHost {
  readonly nodeId: string;
  /** A ref to a new object, which stands for a thing. */
  hold(): ObjectRef<unknown>;
  /** How often the place of an object was used before. */
  generation(index: number): number;
}

interface Entry {
  readonly generation: number;
  readonly thing: object;
  /** This thread's reference, by which it can send the thing on; given back when it has not done so for a while. */
  ref: ObjectRef<unknown> | undefined;
  used: boolean;
}

/** Milliseconds between two looks for things that nobody needs any more. */
const SWEEP_MS = 1000;

/**
 * Things that values carry and that stay shared: only the number of an object that stands for the thing travels with the value.
 * The core counts that object like any ref in a value, so it says when nobody needs the thing any more.
 *
 * Memory and modules go to every thread over a broadcast channel when they are first sent. Posting puts them into the
 * queue of every other thread before the value can get there, so a reader finds them there without waiting. A thread
 * opens its end before it asks for its assignment, and is told then what was shared before.
 *
 * Node does not broadcast objects of its own. They go to the driver, and threads that read a value ask there: `find` then throws
 * `NotHereYet`, and the value is read again once the thing has come.
 */
export class SharedThings {
  readonly #channel: BroadcastChannel;
  readonly #indices = new WeakMap<object, number>();
  readonly #entries = new Map<number, Entry>();
  /** What came before it was known which node this thread belongs to. */
  #early: SharedThing[] = [];
  #host: ThingHost | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The driver's lines to other threads. */
  readonly #lines = new Set<Line>();
  /** Another thread's line to the driver, and its name: it is opened when it is needed. */
  #hub: Line | undefined;
  #hubName: string | undefined;
  /** What the driver was asked for. */
  readonly #asked = new Map<number, { readonly arrival: Promise<void>; readonly arrived: () => void }>();
  /** What the driver did not have. */
  readonly #lost = new Set<number>();

  /** `channel`: this thread's end, if it is open already, and no turn of the event loop has passed since. */
  constructor(channel: BroadcastChannel = openThingsChannel()) {
    this.#channel = channel;
    // What arrives in a turn of the event loop comes as an event, and is gone if nobody listens.
    this.#channel.onmessage = (news: unknown) => this.#learn((news as { readonly data: SharedThing }).data);
    this.#channel.unref();
  }

  /** `known` is what was shared before this thread started, `hub` the name of its line to the driver. */
  begin(host: ThingHost, known: readonly SharedThing[], hub?: string): void {
    this.#host = host;
    this.#hubName = hub;
    // What came meanwhile is newer.
    for (const shared of [...known, ...this.#early]) this.#learn(shared);
    this.#early = [];
  }

  #learn(shared: SharedThing): void {
    if (this.#host === undefined) {
      this.#early.push(shared);
      return;
    }
    const { nodeId, index, generation } = shared;
    const thing = thingOf(shared);
    // Another runtime of the process uses the same numbers.
    if (nodeId !== this.#host.nodeId) return;
    this.#entries.set(index, { generation, thing, ref: undefined, used: true });
    this.#indices.set(thing, index);
    this.#timer ??= setInterval(() => this.#sweep(this.#host as ThingHost), SWEEP_MS).unref();
  }

  /** The object that stands for `thing` in a value. This thread holds a reference to it until the value is written. */
  share(thing: object): number {
    const known = this.#indices.get(thing);
    const entry = known === undefined ? undefined : this.#entries.get(known);
    if (known !== undefined && entry?.thing === thing && holds(entry.ref)) {
      entry.used = true;
      return known;
    }
    const host = this.#host as ThingHost;
    const ref = host.hold();
    const index = ObjectRef.index(ref);
    const shared: SharedThing = { nodeId: host.nodeId, index, generation: host.generation(index), thing };
    if (fitsBroadcast(thing)) this.#channel.postMessage(shared);
    else if (this.#hubName !== undefined) this.#line(this.#hubName).post(asMessage(shared));
    this.#learn(shared);
    (this.#entries.get(index) as Entry).ref = ref;
    return index;
  }

  /** The thing that an object stands for; `ref` is the reference that came with the value. */
  find(index: number, ref: ObjectRef<unknown>): object {
    const generation = (this.#host as ThingHost).generation(index);
    if (this.#entries.get(index)?.generation !== generation) this.#receive();
    const entry = this.#entries.get(index);
    if (entry?.generation !== generation) {
      if (this.#hubName !== undefined && !this.#lost.delete(index)) {
        throw new NotHereYet(this.#ask(this.#hubName, index, generation));
      }
      throw new ObjectLostError('What a value shares with its sender is gone with the thread that shared it.');
    }
    if (!holds(entry.ref)) entry.ref = ref;
    entry.used = true;
    return entry.thing;
  }

  #receive(): void {
    for (const shared of pendingOf<SharedThing>(this.#channel)) this.#learn(shared);
    for (const line of this.#lines) for (const message of line.pending()) this.#serve(line, message);
  }

  /** The driver's end of a line to a thread that is about to start; call what it gives when the thread has ended. */
  connect(name: string): () => void {
    const line = new Line(name, (message) => this.#serve(line, message));
    this.#lines.add(line);
    return () => {
      // What it sent last may be needed longer than the thread.
      for (const message of line.pending()) this.#serve(line, message);
      this.#lines.delete(line);
      line.close();
    };
  }

  /** A thread has sent the driver a thing, or asks for one. */
  #serve(line: Line, message: HubMessage): void {
    if ('lost' in message) return;
    if (!('wanted' in message)) {
      this.#learn(message);
      return;
    }
    const { nodeId, wanted: index, generation } = message;
    // Another thread may have sent it just before.
    if (this.#entries.get(index)?.generation !== generation) this.#receive();
    const entry = this.#entries.get(index);
    const thing = entry?.generation === generation ? entry.thing : undefined;
    line.post(thing === undefined ? { nodeId, lost: index } : asMessage({ nodeId, index, generation, thing }));
  }

  #line(name: string): Line {
    this.#hub ??= new Line(name, (message) => this.#answered(message));
    return this.#hub;
  }

  #ask(hub: string, index: number, generation: number): Promise<void> {
    const asked = this.#asked.get(index);
    if (asked !== undefined) return asked.arrival;
    let arrived = (): void => undefined;
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    this.#asked.set(index, { arrival, arrived });
    this.#line(hub).post({ nodeId: (this.#host as ThingHost).nodeId, wanted: index, generation });
    return arrival;
  }

  #answered(message: HubMessage): void {
    if ('wanted' in message) return;
    const index = 'lost' in message ? message.lost : message.index;
    if ('lost' in message) this.#lost.add(index);
    else this.#learn(message);
    this.#asked.get(index)?.arrived();
    this.#asked.delete(index);
  }

  /**
   * Lets go of things whose object is gone. A reference of this thread's that was not used since the last time is given back:
   * it would keep the thing for ever, as the thing is what it is found by. The thing is shared anew if it is sent again.
   */
  #sweep(host: ThingHost): void {
    for (const [index, entry] of this.#entries) {
      if (host.generation(index) !== entry.generation) this.#entries.delete(index);
      else if (!entry.used) {
        entry.ref?.[Symbol.dispose]();
        entry.ref = undefined;
      }
      entry.used = false;
    }
    if (this.#entries.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** All memory and modules that are shared now, for a thread that is about to start. */
  all(): SharedThing[] {
    this.#receive();
    const { nodeId } = this.#host as ThingHost;
    return [...this.#entries]
      .filter(([, { thing }]) => fitsBroadcast(thing))
      .map(([index, { generation, thing }]) => ({ nodeId, index, generation, thing }));
  }

  /** How many things this thread knows of. */
  get size(): number {
    return this.#entries.size;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#entries.clear();
    for (const line of this.#lines) line.close();
    this.#hub?.close();
    this.#channel.close();
  }
}

/** Whether a reference was neither given back nor taken back by the core. */
function holds(ref: ObjectRef<unknown> | undefined): boolean {
  return ref !== undefined && ObjectRef.index(ref) >= 0;
}
