import type { Worker } from 'node:worker_threads';

/** The worker threads of this process that live, as long as it watches: oldest first. */
export class Workers {
  readonly #live = new Set<Worker>();
  /** How many have started. */
  started = 0;

  constructor() {
    process.on('worker', this.#started);
  }

  readonly #started = (worker: Worker): void => {
    this.started++;
    this.#live.add(worker);
    worker.once('exit', () => this.#live.delete(worker));
  };

  get live(): readonly Worker[] {
    return [...this.#live];
  }

  /** Ends one, as if it had been killed from outside; false if there is none. */
  kill(index: number): boolean {
    const worker = this.live[index % Math.max(1, this.#live.size)];
    void worker?.terminate();
    return worker !== undefined;
  }

  stop(): void {
    process.off('worker', this.#started);
  }
}
