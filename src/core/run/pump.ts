import { AsyncResource } from 'node:async_hooks';
import { now, queueMicrotask, setImmediate } from '../../common/timers.ts';
import type { ThreadRuntime } from '../runtime.ts';
import type { Executor } from './executor.ts';

/** Milliseconds of work after which timers and sockets that tasks left behind get their turn. */
const TURN_MS = 5;

/**
 * The loop of a worker: read what the core hands out, run it, pass on what came of it.
 *
 * It runs inside one callback as long as tasks are synchronous. Promises get their microtasks between two tasks, and
 * the event loop its turn every few milliseconds, so nothing that user code left behind starves.
 */
export class Pump {
  readonly #runtime: ThreadRuntime;
  /** Made with the pump, outside of all tasks. */
  readonly #own = new AsyncResource('mobula.Pump', { requireManualDestroy: true });
  #executor: Executor | undefined;
  #scheduled = false;
  #turnBegan = 0;

  constructor(runtime: ThreadRuntime) {
    this.#runtime = runtime;
  }

  /** Begins, once the caller has told that the thread is up: a first task may keep it busy for ever. */
  start(executor: Executor): void {
    this.#executor = executor;
    this.#later();
  }

  /** Runs the loop soon, if it does not run already. */
  readonly wake = (): void => {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#begin);
  };

  /** The core rang: the loop runs at once. */
  readonly rung = (): void => {
    if (this.#scheduled) return;
    this.#turnBegan = now();
    this.#begin();
  };

  /** Whatever woke the loop, a task's promise say, its async context is not that of the next task. */
  readonly #begin = (): void => this.#own.runInAsyncScope(this.#run);

  readonly #run = (): void => {
    this.#scheduled = false;
    const executor = this.#executor;
    if (executor === undefined) return;
    if (executor.settling && executor.settle()) {
      this.wake();
      return;
    }
    try {
      this.#loop(executor);
    } catch (error) {
      // A mistake of ours, or user code where none should run: the thread goes on with what comes next.
      this.wake();
      throw error;
    }
  };

  #loop(executor: Executor): void {
    const runtime = this.#runtime;
    for (;;) {
      const before = runtime.inbox.deliveries;
      if (runtime.inbox.waits) runtime.inbox.resume();
      else if (!runtime.port.step(runtime.inbox, !executor.held)) {
        executor.rests();
        return;
      }
      // Promises were made or resolved: what waits for them goes first.
      const promises = executor.settling || runtime.inbox.deliveries !== before;
      const late = now() - this.#turnBegan > TURN_MS;
      if (!promises && !late) continue;
      if (late) this.#later();
      else this.wake();
      return;
    }
  }

  #later(): void {
    this.#scheduled = true;
    setImmediate(() => {
      this.#turnBegan = now();
      this.#begin();
    });
  }
}
