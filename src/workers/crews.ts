/** The jobs that have threads, and how many each still is to get. 0: the process's own program. */
export class Crews {
  /** By job, the threads to start once one of the job is up. */
  readonly #waiting = new Map<number, number>();

  /** A job is to have `count` threads: whether the first is to be started now. The others follow, so that it need not share a core. */
  begin(job: number, count: number): boolean {
    if (count === 0 || this.#waiting.has(job)) return false;
    this.#waiting.set(job, count - 1);
    return true;
  }

  /** A thread of the job is up: how many more are to be started now. */
  up(job: number): number {
    const waiting = this.#waiting.get(job) ?? 0;
    if (waiting > 0) this.#waiting.set(job, 0);
    return waiting;
  }

  has(job: number): boolean {
    return this.#waiting.has(job);
  }

  end(job: number): void {
    this.#waiting.delete(job);
  }
}
