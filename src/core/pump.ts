import type { Executor } from './executor.ts';
import type { ThreadRuntime } from './runtime.ts';

/** Milliseconds of work after which timers and sockets that tasks left behind get their turn. */
const TURN_MS = 5;

/**
 * The loop of a worker: read what the core hands out, run it, pass on what came of it.
 *
 * It runs inside one callback as long as tasks are synchronous. Promises get their microtasks between two steps, and
 * the event loop its turn every few milliseconds, so nothing that user code left behind starves.
 */
export class Pump {
  readonly #runtime: ThreadRuntime;
  #executor: Executor | undefined;
  #scheduled = false;
  #end = 0;
  #turnBegan = 0;
  #stopped = false;

  constructor(runtime: ThreadRuntime) {
    this.#runtime = runtime;
  }

  /** Begins. */
  start(executor: Executor): void {
    this.#executor = executor;
    this.wake();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Runs the loop soon, if it does not run already. */
  readonly wake = (): void => {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#run);
  };

  /** The core rang: the loop runs at once. */
  readonly rung = (): void => {
    if (this.#scheduled) return;
    this.#turnBegan = performance.now();
    this.#run();
  };

  readonly #reader = {
    read: (end: number): void => {
      this.#end = end;
      this.#runtime.read(end);
    },
  };

  readonly #run = (): void => {
    this.#scheduled = false;
    const executor = this.#executor;
    if (executor === undefined || this.#stopped) return;
    if (executor.settling && !this.#resume(executor)) return;
    const { port } = this.#runtime;
    for (;;) {
      const before = this.#runtime.deliveries;
      if (!port.step(this.#reader, true)) return;
      if (executor.settling) break;
      // Somebody's promise was resolved: what waits for it goes first.
      if (this.#runtime.deliveries !== before) break;
      if (performance.now() - this.#turnBegan > TURN_MS) {
        this.#later();
        return;
      }
    }
    if (performance.now() - this.#turnBegan > TURN_MS && !executor.settling) this.#later();
    else this.wake();
  };

  #later(): void {
    this.#scheduled = true;
    setImmediate(() => {
      this.#turnBegan = performance.now();
      this.#run();
    });
  }

  /** Goes on with a batch that waited for a promise; false: not yet. */
  #resume(executor: Executor): boolean {
    const at = executor.resume();
    if (at === -1) {
      this.wake();
      return false;
    }
    if (at === undefined) return true;
    this.#runtime.read(this.#end, at);
    if (!executor.settling) return true;
    this.wake();
    return false;
  }
}
