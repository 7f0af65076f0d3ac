import { Worker } from 'node:worker_threads';

/**
 * What a careful person writes with `node:worker_threads` alone: a fixed set of workers, round robin, one
 * message there and one back per call, a Map from call number to promise. Nothing is batched.
 */
export class BareWorkers {
  #workers;
  #pending = new Map();
  #calls = 0;

  constructor(count, data, file = new URL('./bare-worker.mjs', import.meta.url)) {
    this.#workers = Array.from({ length: count }, () => new Worker(file, { workerData: data }));
    for (const worker of this.#workers) {
      worker.on('message', (message) => this.#settle(message));
      worker.on('error', (error) => this.#fail(error));
    }
  }

  /** Runs the workers' function on a value; the promise of its result. */
  call(value) {
    return new Promise((resolve, reject) => {
      const id = this.#calls++;
      this.#pending.set(id, { resolve, reject });
      this.#workers[id % this.#workers.length].postMessage([id, value]);
    });
  }

  close() {
    return Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #settle([id, value, error]) {
    const { resolve, reject } = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) resolve(value);
    else reject(error);
  }

  #fail(error) {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
