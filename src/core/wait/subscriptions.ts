import { ObjectStoreFullError } from '../../common/errors.ts';
import type { KeepAlive } from '../port/keep-alive.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import { type Weight, weight } from '../refs/weight.ts';
import { MAX_TRIES, makeRoom } from '../values/collector.ts';
import { NotHereYet } from '../values/not-here-yet.ts';

/** Somebody in this thread who waits for objects, each at a position of its own. */
export interface Subscriber {
  /** Whether the values are wanted, or only the news that they are there. */
  readonly wantsValue: boolean;
  /** Whether the program is to go on while it waits. */
  readonly keepsAlive: boolean;
  /** The ref at a position; it is kept alive as long as the subscriber waits. */
  refAt(position: number): ObjectRef<unknown>;
  /** The object is there: its outcome, and where its value stands in the inbox. */
  settled(position: number, outcome: number, pos: number): void;
  /** It was subscribed once more, under another token. */
  resubscribed(position: number, token: number): void;
  /** Nothing more will come: the runtime is closed, or a value cannot be read. */
  fail(error: unknown): void;
}

/** Tokens whose subscribers gave up; the next subscriber for the same object takes one over. */
interface Parked {
  readonly value: number[];
  readonly ready: number[];
}

/**
 * The subscriptions of a thread, by the token the core calls each.
 *
 * A token is free again only when the core has delivered it. A subscriber that gives up (a timeout) parks its
 * token, so that polling an object costs one subscription, not one per poll.
 */
export class Subscriptions {
  readonly #slots: (Subscriber | undefined)[] = [];
  /** By token: the position of the object with its subscriber. */
  readonly #positions: number[] = [];
  readonly #free: number[] = [];
  readonly #parked = new Map<ObjectRef<unknown>, Parked>();
  readonly #subscribe: (object: number, token: number, value: boolean) => void;
  readonly #keepAlive: KeepAlive;
  readonly #ask: () => void;
  readonly #weighed: (ref: ObjectRef<unknown>, what: Weight) => void;
  /** How often a value could not be read for want of room, by subscriber and position. */
  readonly #tries = new WeakMap<Subscriber, Map<number, number>>();
  /** Those who wait for room, and not for the core. */
  readonly #retrying = new Set<Subscriber>();
  /** Room is being made. */
  #room: Promise<void> | undefined;
  #closed = false;
  #active = 0;

  constructor(
    subscribe: (object: number, token: number, value: boolean) => void,
    keepAlive: KeepAlive,
    ask: () => void,
    weighed: (ref: ObjectRef<unknown>, what: Weight) => void,
  ) {
    this.#subscribe = subscribe;
    this.#keepAlive = keepAlive;
    this.#ask = ask;
    this.#weighed = weighed;
  }

  /** Whether nobody waits. */
  get idle(): boolean {
    return this.#active === 0;
  }

  /** Subscribes to the object at `position`; gives the token, for `park`. */
  add(subscriber: Subscriber, position: number): number {
    if (subscriber.keepsAlive && this.#active++ === 0) this.#keepAlive.hold(this);
    const { wantsValue } = subscriber;
    const ref = subscriber.refAt(position);
    ObjectRef.expect(ref);
    const parked = this.#parked.size > 0 ? this.#unpark(ref, wantsValue) : undefined;
    const token = parked ?? this.#free.pop() ?? this.#slots.length;
    this.#slots[token] = subscriber;
    this.#positions[token] = position;
    if (parked === undefined) this.#subscribe(ObjectRef.index(ref), token, wantsValue);
    return token;
  }

  /** A parked token for `ref`, which is taken over. */
  #unpark(ref: ObjectRef<unknown>, value: boolean): number | undefined {
    const parked = this.#parked.get(ref);
    if (parked === undefined) return undefined;
    const token = (value ? parked.value : parked.ready).pop();
    this.#tidy(ref, parked);
    return token;
  }

  #tidy(ref: ObjectRef<unknown>, parked: Parked): void {
    if (parked.value.length === 0 && parked.ready.length === 0) this.#parked.delete(ref);
  }

  /** The subscriber does not want to know any more. */
  park(token: number): void {
    const subscriber = this.#slots[token];
    if (subscriber === undefined) return;
    const { wantsValue } = subscriber;
    const ref = subscriber.refAt(this.#positions[token] as number);
    this.#slots[token] = new Orphan(ref, wantsValue);
    let parked = this.#parked.get(ref);
    if (parked === undefined) {
      parked = { value: [], ready: [] };
      this.#parked.set(ref, parked);
    }
    (wantsValue ? parked.value : parked.ready).push(token);
    this.#less();
  }

  #forget({ ref, wantsValue }: Orphan, token: number): void {
    const parked = this.#parked.get(ref);
    if (parked === undefined) return;
    const tokens = wantsValue ? parked.value : parked.ready;
    tokens.splice(tokens.indexOf(token), 1);
    this.#tidy(ref, parked);
  }

  /** The core has delivered `token`; `what`: what the object's value keeps. */
  deliver(token: number, outcome: number, pos: number, what: Weight): void {
    const subscriber = this.#slots[token] as Subscriber;
    const position = this.#positions[token] as number;
    if (what !== weight.light) this.#weighed(subscriber.refAt(position), what);
    this.#slots[token] = undefined;
    this.#free.push(token);
    if (this.#parked.size > 0 && subscriber instanceof Orphan) {
      this.#forget(subscriber, token);
    } else {
      if (subscriber.keepsAlive) this.#less();
      try {
        subscriber.settled(position, outcome, pos);
      } catch (error) {
        this.#again(subscriber, position, error);
      }
    }
  }

  /** A value could not be read: if for want of room in the object store, it is tried again when there may be some. */
  #again(subscriber: Subscriber, position: number, error: unknown): void {
    let all = this.#tries.get(subscriber);
    if (all === undefined) {
      all = new Map();
      this.#tries.set(subscriber, all);
    }
    const tries = all.get(position) ?? 0;
    if (error instanceof NotHereYet) {
      this.#resubscribe(subscriber, position, error.arrival);
      return;
    }
    if (!(error instanceof ObjectStoreFullError) || tries >= MAX_TRIES) {
      subscriber.fail(error);
      return;
    }
    all.set(position, tries + 1);
    this.#room ??= makeRoom(tries, this.#ask).finally(() => {
      this.#room = undefined;
    });
    this.#resubscribe(subscriber, position, this.#room);
  }

  /** Has a value read again once `condition` is there. */
  #resubscribe(subscriber: Subscriber, position: number, condition: Promise<void>): void {
    this.#retrying.add(subscriber);
    condition.then(
      () => {
        this.#retrying.delete(subscriber);
        // Whoever was told meanwhile that the runtime is closed hears no more.
        if (!this.#closed) subscriber.resubscribed(position, this.add(subscriber, position));
      },
      (problem: unknown) => {
        this.#retrying.delete(subscriber);
        subscriber.fail(problem);
      },
    );
  }

  #less(): void {
    if (--this.#active === 0) this.#keepAlive.release(this);
  }

  /** Everybody who still waits, who will hear nothing more from the core. */
  close(): Subscriber[] {
    const waiting = this.#slots.filter((slot) => slot !== undefined && !(slot instanceof Orphan));
    this.#closed = true;
    this.#slots.length = 0;
    this.#free.length = 0;
    this.#parked.clear();
    this.#keepAlive.release(this);
    this.#active = 0;
    return [...new Set([...(waiting as Subscriber[]), ...this.#retrying])];
  }
}

/** Keeps the place of a subscriber that gave up. */
class Orphan implements Subscriber {
  readonly ref: ObjectRef<unknown>;
  readonly wantsValue: boolean;

  constructor(ref: ObjectRef<unknown>, wantsValue: boolean) {
    this.ref = ref;
    this.wantsValue = wantsValue;
  }

  get keepsAlive(): boolean {
    return true;
  }

  refAt(): ObjectRef<unknown> {
    return this.ref;
  }

  settled(): void {}

  resubscribed(): void {}

  fail(): void {}
}
