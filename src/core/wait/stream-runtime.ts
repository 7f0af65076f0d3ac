import type { KeepAlive } from '../port/keep-alive.ts';
import type { ObjectRef } from '../refs/object-ref.ts';
import type { Lender } from './lender.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { OutcomeReader } from './waiting.ts';

/** The reader's runtime, as streams use it. */
export interface StreamRuntime {
  readonly closed: boolean;
  readonly keepAlive: KeepAlive;
  readonly lender: Lender;
  readonly subscriptions: Subscriptions;
  readonly inbox: OutcomeReader;
  readonly submitter: StreamControl;
}

/** What a stream tells the task behind it. */
export interface StreamControl {
  /** There is room for more items. */
  credit(object: number, items: number): void;
  cancel(ref: ObjectRef<unknown>, force: boolean, recursive: boolean): void;
}
