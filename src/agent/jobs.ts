/** What the agent knows of the jobs of the cluster: which are over. `boot/` tells it what the job table says. */
export class Jobs {
  readonly #live = new Set<number>();
  /** Numbers rise: a job that is not live, and below this or at it, is over. */
  #highest = 0;
  /** Jobs with something on this node. */
  readonly #here = new Set<number>();
  /** Called once with each job that is over and has something here. */
  onOver: (job: number) => void = () => undefined;

  /** Something of a job comes to this node; false if the job is over. */
  begin(job: number): boolean {
    if (this.isOver(job)) return false;
    this.#here.add(job);
    return true;
  }

  isOver(job: number): boolean {
    return job <= this.#highest && !this.#live.has(job);
  }

  /** A row of the table. */
  set(job: number, ended: boolean): void {
    this.#note(job, ended);
    this.#sweep();
  }

  /** The job was long over, and has no row any more. */
  forget(job: number): void {
    this.#live.delete(job);
    this.#sweep();
  }

  /** All rows of the table. */
  reset(rows: Iterable<readonly [job: number, ended: boolean]>): void {
    this.#live.clear();
    for (const [job, ended] of rows) this.#note(job, ended);
    this.#sweep();
  }

  #note(job: number, ended: boolean): void {
    this.#highest = Math.max(this.#highest, job);
    if (ended) this.#live.delete(job);
    else this.#live.add(job);
  }

  #sweep(): void {
    for (const job of this.#here) {
      if (!this.isOver(job)) continue;
      this.#here.delete(job);
      this.onOver(job);
    }
  }
}

/** The name asked for last, and its number: mostly it is asked for again, once or twice for each task. */
let last = { name: '', number: Number.NaN };

/** The number of a job, by what `context().jobId` is. */
export function jobNumber(name: string): number {
  if (name !== last.name) last = { name, number: Number.parseInt(name, 16) };
  return last.number;
}
