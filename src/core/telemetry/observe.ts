import { type TaskSubmitted, taskSettle, taskSubmit } from '../../common/channels.ts';
import { now } from '../../common/timers.ts';
import type { Addon } from '../../native/addon.ts';
import type { Port } from '../port/port.ts';
import { status } from '../port/wire.ts';
import type { ObjectRef } from '../refs/object-ref.ts';
import type { ThreadRefs } from '../refs/thread-refs.ts';
import type { Template } from '../submit/template.ts';
import type { Subscriber, Subscriptions } from '../wait/subscriptions.ts';
import type { OutcomeReader } from '../wait/waiting.ts';

/** The thread's runtime, as its observers use it. */
export interface ObservedThread {
  readonly addon: Addon;
  readonly port: Pick<Port, 'id'>;
  readonly refs: ThreadRefs;
  readonly subscriptions: Subscriptions;
  readonly inbox: OutcomeReader;
}

/** Tells those who listen that a task was submitted and, later, that `result`, its first object, is settled. */
export function observe(runtime: ObservedThread, template: Template, result: number): void {
  if (!(taskSubmit.hasSubscribers || taskSettle.hasSubscribers)) return;
  const { kind, name } = template.info;
  const task: TaskSubmitted = { id: runtime.refs.nameOf(result), name, kind };
  if (taskSubmit.hasSubscribers) taskSubmit.publish(task);
  if (!taskSettle.hasSubscribers) return;
  // A handle of its own: the caller may release theirs before the task ends.
  runtime.addon.shareObject(runtime.port.id, result);
  runtime.subscriptions.add(new Observer(runtime, runtime.refs.adopt(result), task, now(), false), 0);
}

/** Waits for a task's end without keeping the program alive. */
class Observer implements Subscriber {
  readonly #ref: ObjectRef<unknown>;
  /** The value stays where it is; an error is read in a second step. */
  readonly wantsValue: boolean;
  readonly keepsAlive = false;
  readonly #runtime: ObservedThread;
  readonly #task: TaskSubmitted;
  readonly #began: number;

  constructor(
    runtime: ObservedThread,
    ref: ObjectRef<unknown>,
    task: TaskSubmitted,
    began: number,
    wantsValue: boolean,
  ) {
    this.#runtime = runtime;
    this.#ref = ref;
    this.#task = task;
    this.#began = began;
    this.wantsValue = wantsValue;
  }

  refAt(): ObjectRef<unknown> {
    return this.#ref;
  }

  settled(_position: number, outcome: number, pos: number): void {
    if (outcome === status.value) this.#tell(undefined);
    else if (this.wantsValue) this.#tell(this.#runtime.inbox.error(outcome, pos));
    else this.#runtime.subscriptions.add(new Observer(this.#runtime, this.#ref, this.#task, this.#began, true), 0);
  }

  resubscribed(): void {}

  fail(error: unknown): void {
    this.#tell(error);
  }

  #tell(error: unknown): void {
    this.#ref[Symbol.dispose]();
    taskSettle.publish({ ...this.#task, durationMs: now() - this.#began, error });
  }
}
