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

  /**
   * Ends one of those that `may` allows, as if it had been killed from outside; false if there is none. Node leaves files
   * open when a thread ends while it loads its modules.
   */
  kill(index: number, may: (worker: Worker) => boolean = () => true): boolean {
    const those = this.live.filter(may);
    const worker = those[index % Math.max(1, those.length)];
    void worker?.terminate();
    return worker !== undefined;
  }

  stop(): void {
    process.off('worker', this.#started);
  }
}
