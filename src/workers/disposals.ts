import { clearTimeout, setTimeout } from '../common/timers.ts';
import { threadState } from './assignment.ts';

/** Milliseconds until a thread is not waited for: it gives its instances 5 s by itself, and warns, but may be busy. */
const DISPOSAL_MS = 5500;

/** Threads that are to be stopped when their instances have disposed of themselves. */
export class Disposals {
  readonly #waiting = new Map<Int32Array, () => void>();

  /** Resolves when the thread has no instance any more that has to, when it has ended, or when its time is up. */
  async of(state: Int32Array, ended: Promise<void>): Promise<void> {
    if (Atomics.load(state, threadState.disposable) === 0) return;
    const disposed = new Promise<void>((resolve) => {
      this.#waiting.set(state, resolve);
    });
    const timer = setTimeout(() => this.#waiting.get(state)?.(), DISPOSAL_MS).unref();
    await Promise.race([disposed, ended]);
    clearTimeout(timer);
    this.#waiting.delete(state);
  }

  look(): void {
    for (const [state, resolve] of this.#waiting) {
      if (Atomics.load(state, threadState.disposable) === 0) resolve();
    }
  }

  /** Nobody gets more time. */
  hurry(): void {
    for (const resolve of this.#waiting.values()) resolve();
  }
}
