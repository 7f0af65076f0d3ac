import { GetTimeoutError } from '../common/errors.ts';
import { onAbort } from './abort.ts';
import type { ObjectRef } from './object-ref.ts';
import type { Subscriber, Subscriptions } from './subscriptions.ts';
import { status } from './wire.ts';

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
  readonly ref: ObjectRef<unknown>;
  readonly #reader: OutcomeReader;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    ref: ObjectRef<unknown>,
    reader: OutcomeReader,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.ref = ref;
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

  settled(outcome: number, pos: number): void {
    if (outcome === status.value) this.#resolve(this.#reader.value(pos));
    else this.#reject(this.#reader.error(outcome, pos));
  }

  resubscribed(): void {}

  /** The runtime is gone. */
  fail(error: unknown): void {
    this.#reject(error);
  }
}

/** One ref among those that a [`Wait`] waits for. */
class Member implements Subscriber {
  readonly ref: ObjectRef<unknown>;
  readonly wantsValue: boolean;
  readonly #wait: Wait;
  readonly #position: number;

  constructor(wait: Wait, position: number, ref: ObjectRef<unknown>, wantsValue: boolean) {
    this.#wait = wait;
    this.#position = position;
    this.ref = ref;
    this.wantsValue = wantsValue;
  }

  get keepsAlive(): boolean {
    return true;
  }

  settled(outcome: number, pos: number): void {
    this.#wait.arrived(this.#position, outcome, pos);
  }

  resubscribed(token: number): void {
    this.#wait.resubscribed(this.#position, token);
  }

  fail(error: unknown): void {
    this.#wait.end(error);
  }
}

/** What a wait does with what arrives. */
export interface WaitVisitor {
  /** Object `position` is there; true ends the wait. */
  arrived(position: number, outcome: number, pos: number): boolean;
  /** The wait is over: enough arrived, time is up (then `error` is a `GetTimeoutError`), or it failed. */
  ended(error: unknown): void;
}

/** Waits for many objects at once, with limits. */
export class Wait {
  readonly #subscriptions: Subscriptions;
  readonly #visitor: WaitVisitor;
  readonly #tokens: number[] = [];
  readonly #unwatch: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(
    subscriptions: Subscriptions,
    refs: readonly ObjectRef<unknown>[],
    wantsValues: boolean,
    limits: WaitLimits,
    visitor: WaitVisitor,
  ) {
    this.#subscriptions = subscriptions;
    this.#visitor = visitor;
    for (let i = 0; i < refs.length; i++) {
      this.#tokens.push(subscriptions.add(new Member(this, i, refs[i] as ObjectRef<unknown>, wantsValues)));
    }
    if (limits.timeoutMs !== undefined) {
      const { timeoutMs } = limits;
      this.#timer = setTimeout(() => this.end(timedOut(timeoutMs)), timeoutMs);
    }
    const { signal } = limits;
    if (signal !== undefined) this.#unwatch = onAbort(signal, () => this.end(signal.reason));
  }

  arrived(position: number, outcome: number, pos: number): void {
    this.#tokens[position] = -1;
    if (!this.#over && this.#visitor.arrived(position, outcome, pos)) this.end(undefined);
  }

  /** Object `position` is subscribed to once more. */
  resubscribed(position: number, token: number): void {
    this.#tokens[position] = token;
    if (this.#over) this.#subscriptions.park(token);
  }

  /** Ends the wait; later arrivals are ignored. */
  end(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#unwatch?.();
    for (const token of this.#tokens) if (token >= 0) this.#subscriptions.park(token);
    this.#visitor.ended(error);
  }
}

function timedOut(timeoutMs: number): GetTimeoutError {
  return new GetTimeoutError(
    `The value was not there within ${timeoutMs} ms. The task goes on; get its ref again to wait longer.`,
  );
}
