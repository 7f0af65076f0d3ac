import { ObjectStoreFullError } from '../../common/errors.ts';
import { sleep } from '../../common/timers.ts';
import type { ThreadRuntime } from '../runtime.ts';
import type { Template } from '../submit/template.ts';
import { MAX_TRIES, makeRoom } from '../values/collector.ts';
import { NotHereYet } from '../values/not-here-yet.ts';
import type { CodeCache } from './code.ts';
import type { Load } from './load.ts';

/** What a task needs to begin, or why it cannot; `end` is where the next record begins. */
type Prepared = { readonly end: number } & (
  | { readonly code: Function | Load | undefined; readonly args: readonly unknown[] }
  | { readonly error: unknown }
);

/** Gets code and arguments of tasks before they begin, and holds tasks back while these are not there. */
export class Preparation {
  readonly #runtime: ThreadRuntime;
  readonly #codes: CodeCache;
  readonly #wake: () => void;
  /** Whether tasks have to wait: for code that is loading, or for room in the object store. */
  #held = false;
  #stopped = false;
  /** How often in a row the arguments of a task found no room. */
  #refusals = 0;

  /** `wake`: tasks may be prepared again. */
  constructor(runtime: ThreadRuntime, codes: CodeCache, wake: () => void) {
    this.#runtime = runtime;
    this.#codes = codes;
    this.#wake = wake;
  }

  /** Whether no task can be prepared now. */
  get held(): boolean {
    return this.#held;
  }

  /** No task is prepared any more. */
  stop(): void {
    this.#held = true;
    this.#stopped = true;
  }

  /**
   * Code and arguments of a task. Undefined when it has to wait for its code, or for room for its arguments: then it is to be
   * given back, so that another thread may take it, and none is prepared until `held` is false.
   */
  prepare(template: Template, argsAt: number, count: number): Prepared | undefined {
    const { inbox, values } = this.#runtime;
    try {
      const code = template.info.kind === 'method' ? undefined : this.#codes.of(template);
      if (typeof code === 'object') {
        const patienceMs = code.patience(this.#mayKeepAll(template));
        if (patienceMs > 0) {
          this.#hold(Promise.race([code.over, sleep(patienceMs)]));
          return undefined;
        }
      }
      const args = inbox.readArguments(argsAt, count);
      this.#refusals = 0;
      return { code, args, end: values.end };
    } catch (error) {
      if (error instanceof NotHereYet) {
        inbox.forgetArguments();
        this.#hold(error.arrival);
        return undefined;
      }
      if (error instanceof ObjectStoreFullError && this.#refusals < MAX_TRIES) {
        inbox.forgetArguments();
        this.#hold(this.makeRoom(this.#refusals++));
        return undefined;
      }
      this.#refusals = 0;
      return { error, end: this.skip(argsAt, count) };
    }
  }

  /** Whether all tasks that need code which is loading may wait for it on this thread: in a cluster others could run them. */
  #mayKeepAll({ info }: Template): boolean {
    return info.kind !== 'task' || this.#runtime.facts.cluster === undefined;
  }

  /** Where the record ends whose arguments begin at `argsAt`. */
  skip(argsAt: number, count: number): number {
    const { values } = this.#runtime;
    let end = values.skip(argsAt);
    for (let i = 0; i < count; i++) end = values.skip(end);
    return end;
  }

  /** Asks for room in the object store, for the `tries`th time; resolves when it may be worth another try. */
  makeRoom(tries: number): Promise<void> {
    const { addon, port } = this.#runtime;
    return makeRoom(tries, () => addon.askToCollect(port.id));
  }

  /** Prepares no task until `condition` is settled. */
  #hold(condition: Promise<unknown>): void {
    this.#held = true;
    const go = (): void => {
      this.#held = this.#stopped;
      this.#wake();
    };
    condition.then(go, go);
  }
}
