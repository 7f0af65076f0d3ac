import { GetTimeoutError } from '../../common/errors.ts';
import { Timer } from '../../common/timers.ts';
import { status } from '../port/wire.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import { onAbort } from './abort.ts';
import type { Lender } from './lender.ts';
import type { TaskWait } from './long-waits.ts';
import type { Subscriber, Subscriptions } from './subscriptions.ts';

/** Reads outcomes from the inbox. */
export interface OutcomeReader {
  value(pos: number): unknown;
  error(outcome: number, pos: number): unknown;
}

/** Limits to waiting. */
export interface WaitLimits {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** `get` of one ref without limits: the common case, kept small. */
export class SingleGet implements Subscriber {
  readonly #ref: ObjectRef<unknown>;
  readonly #reader: OutcomeReader;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    ref: ObjectRef<unknown>,
    reader: OutcomeReader,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.#ref = ref;
    this.#reader = reader;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  // On the prototype: one field less in each of a million.
  get wantsValue(): boolean {
    return true;
  }

  get keepsAlive(): boolean {
    return true;
  }

  refAt(): ObjectRef<unknown> {
    return this.#ref;
  }

  settled(_position: number, outcome: number, pos: number): void {
    if (outcome === status.value) this.#resolve(this.#reader.value(pos));
    else this.#reject(this.#reader.error(outcome, pos));
  }

  resubscribed(): void {}

  /** The runtime is gone. */
  fail(error: unknown): void {
    this.#reject(error);
  }
}

/** A task's `get` of one ref. */
export class TaskGet extends SingleGet {
  readonly #lender: Lender;
  readonly #wait: TaskWait;

  constructor(
    lender: Lender,
    wait: TaskWait,
    ref: ObjectRef<unknown>,
    reader: OutcomeReader,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(ref, reader, resolve, reject);
    this.#lender = lender;
    this.#wait = wait;
  }

  override settled(position: number, outcome: number, pos: number): void {
    super.settled(position, outcome, pos);
    // Not reached if the value cannot be read yet: then it goes on waiting.
    this.#lender.end(this.#wait);
  }

  override fail(error: unknown): void {
    super.fail(error);
    this.#lender.end(this.#wait);
  }
}

/** What a wait does with what arrives. */
export interface WaitVisitor {
  /** Object `position` is there; true ends the wait. */
  arrived(position: number, outcome: number, pos: number): boolean;
  /** The wait is over: enough arrived, time is up (then `error` is a `GetTimeoutError`), or it failed. */
  ended(error: unknown): void;
}

/** What a wait asks the core when its time is up. */
export interface ObjectLooks {
  /** Which of some objects are there now: 1 or 0 for each. */
  areThere(objects: readonly number[], here: boolean): ArrayLike<number>;
  /** Why an object is not there; undefined if nothing is known. */
  whyNot(object: number): string | undefined;
}

/** Waits for many objects at once, with limits. */
export class Wait implements Subscriber {
  readonly wantsValue: boolean;
  readonly #subscriptions: Subscriptions;
  readonly #refs: readonly ObjectRef<unknown>[];
  readonly #visitor: WaitVisitor;
  /** By position: the subscription's token, or -1 once the object is there. */
  readonly #tokens: number[] = [];
  readonly #unwatch: (() => void) | undefined;
  #timer: Timer | undefined;
  #over = false;
  /** The time is up, and these are there: their news come before the end. */
  #late: { readonly positions: Set<number>; readonly error: unknown } | undefined;

  constructor(
    subscriptions: Subscriptions,
    refs: readonly ObjectRef<unknown>[],
    wantsValues: boolean,
    limits: WaitLimits,
    visitor: WaitVisitor,
    looks: ObjectLooks,
  ) {
    this.#subscriptions = subscriptions;
    this.#refs = refs;
    this.wantsValue = wantsValues;
    this.#visitor = visitor;
    for (let i = 0; i < refs.length; i++) this.#tokens.push(subscriptions.add(this, i));
    if (limits.timeoutMs !== undefined) {
      const { timeoutMs } = limits;
      this.#timer = new Timer(timeoutMs, () => this.#timeIsUp(timeoutMs, looks));
    }
    const { signal } = limits;
    if (signal !== undefined) this.#unwatch = onAbort(signal, () => this.end(signal.reason));
  }

  /** Why the first that is not there is not. */
  #reason(looks: ObjectLooks): string | undefined {
    const missing = this.#tokens.findIndex((token) => token >= 0);
    return missing < 0 || !this.wantsValue ? undefined : looks.whyNot(ObjectRef.index(this.refAt(missing)));
  }

  get keepsAlive(): boolean {
    return true;
  }

  refAt(position: number): ObjectRef<unknown> {
    return this.#refs[position] as ObjectRef<unknown>;
  }

  settled(position: number, outcome: number, pos: number): void {
    this.#tokens[position] = -1;
    if (this.#over) return;
    if (this.#visitor.arrived(position, outcome, pos)) this.end(undefined);
    else if (this.#late?.positions.delete(position) && this.#late.positions.size === 0) this.end(this.#late.error);
  }

  /**
   * The time is up. What came while this thread was busy came in time, though its news are still on their way: they are waited for.
   */
  #timeIsUp(timeoutMs: number, looks: ObjectLooks): void {
    const missing: number[] = [];
    for (const [position, token] of this.#tokens.entries()) {
      if (token >= 0 && ObjectRef.index(this.refAt(position)) >= 0) missing.push(position);
    }
    const objects = missing.map((position) => ObjectRef.index(this.refAt(position)));
    // Of a value that is at another node no news are on their way.
    const answers = looks.areThere(objects, this.wantsValue);
    const positions = new Set(missing.filter((_, i) => answers[i] === 1));
    const error = timedOut(timeoutMs, this.#reason(looks));
    if (positions.size === 0) this.end(error);
    else this.#late = { positions, error };
  }

  resubscribed(position: number, token: number): void {
    this.#tokens[position] = token;
    if (this.#over) this.#subscriptions.park(token);
  }

  fail(error: unknown): void {
    this.end(error);
  }

  /** Ends the wait; later arrivals are ignored. */
  end(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#unwatch?.();
    for (const token of this.#tokens) if (token >= 0) this.#subscriptions.park(token);
    this.#visitor.ended(error);
  }
}

function timedOut(timeoutMs: number, why: string | undefined): GetTimeoutError {
  const reason = why === undefined ? '' : ` Why: ${why}`;
  return new GetTimeoutError(
    `The value was not there within ${timeoutMs} ms.${reason} The task goes on; get its ref again to wait longer.`,
  );
}
