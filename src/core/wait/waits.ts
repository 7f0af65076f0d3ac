import { printStep, printsSteps } from '../../common/figure7.ts';
import { nodeIn } from '../../common/ids.ts';
import type { Life } from '../life.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import type { ThreadRefs } from '../refs/thread-refs.ts';
import { currentTask } from '../run/task-context.ts';
import type { ResourceTable } from '../submit/resources.ts';
import type { Lender } from './lender.ts';
import { describeWait, namesOf } from './reasons.ts';
import type { Subscriptions } from './subscriptions.ts';
import { areThere, type LookingThread } from './there.ts';
import { type OutcomeReader, SingleGet, TaskGet, Wait, type WaitLimits, type WaitVisitor } from './waiting.ts';

/** After so many objects that were there, the next one comes with the news, so that the event loop gets its turn. */
const MAX_LOOKS = 256;

/** The thread's runtime, as its waits use it. */
export interface WaitsRuntime extends LookingThread {
  readonly refs: ThreadRefs;
  readonly life: Life;
  readonly resources: ResourceTable;
  readonly lender: Lender;
  readonly subscriptions: Subscriptions;
  readonly submitter: {
    /** Whether the task that makes `object` was submitted just now. */
    isNew(object: number): boolean;
  };
  readonly inbox: LookingThread['inbox'] &
    OutcomeReader & {
      /** The outcome of an object, if it is there and can be read. */
      look(object: number): Promise<unknown> | undefined;
    };
}

/** A thread's waits for objects. */
export class Waits {
  readonly #runtime: WaitsRuntime;
  /** Objects read in a row that were there: nothing else may have had its turn. */
  #looks = 0;

  constructor(runtime: WaitsRuntime) {
    this.#runtime = runtime;
  }

  /** The value of one ref. */
  get(ref: ObjectRef<unknown>): Promise<unknown> {
    const { refs, subscriptions, submitter, inbox } = this.#runtime;
    const index = refs.use(ref);
    // Who waits for many objects waits for news of all of them: asking for each would cost a call each.
    if (subscriptions.idle && !submitter.isNew(index) && ++this.#looks < MAX_LOOKS) {
      const there = inbox.look(index);
      if (there !== undefined) return there;
    }
    this.#looks = 0;
    return this.news(ref);
  }

  /** The value of one ref, after all news that the core has for this thread by now. */
  news(ref: ObjectRef<unknown>): Promise<unknown> {
    const { lender, subscriptions, inbox } = this.#runtime;
    const task = currentTask();
    return new Promise<unknown>((resolve, reject) => {
      const give = printsSteps ? printed(this.#runtime.refs.nameOf(ObjectRef.index(ref)), resolve) : resolve;
      const subscriber =
        task === undefined
          ? new SingleGet(ref, inbox, give, reject)
          : new TaskGet(lender, lender.begin(task, [ObjectRef.index(ref)]), ref, inbox, give, reject);
      subscriptions.add(subscriber, 0);
    });
  }

  /** Waits for many objects, with limits. */
  wait(refs: readonly ObjectRef<unknown>[], wantsValues: boolean, limits: WaitLimits, visitor: WaitVisitor): Wait {
    const runtime = this.#runtime;
    for (const ref of refs) runtime.refs.use(ref);
    return new Wait(runtime.subscriptions, refs, wantsValues, limits, visitor, {
      areThere: (objects, here) => areThere(runtime, objects, here),
      whyNot: (object) => this.#whyNot(object),
    });
  }

  /** Why an object is not there; undefined if nothing is known. */
  #whyNot(object: number): string | undefined {
    const { addon, port, life } = this.#runtime;
    if (life.closed || object < 0) return undefined;
    return describeWait(addon.explain(port.id, object), namesOf(this.#runtime.resources));
  }
}

function printed(id: string, resolve: (value: unknown) => void): (value: unknown) => void {
  const node = nodeIn(id);
  printStep('notHere', node, `get has no value for ${id} in the store of its node`);
  printStep('waits', node, `get waits until its node has news of ${id}`);
  return (value) => {
    printStep('got', node, `get has the value of ${id}`);
    resolve(value);
  };
}
