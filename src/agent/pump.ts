import { now, setImmediate, Timer } from '../common/timers.ts';
import type { NewsReader } from '../core/port/port.ts';
import type { ThreadRuntime } from '../core/runtime.ts';

/** Rounds of news in one turn of the event loop. */
const ROUNDS = 32;

/** What is done between two looks at the core. */
export interface PumpWork {
  /** All news were read: what has changed is told. True if the core was asked for more. */
  settle(): boolean;
  /** What goes out is sent. */
  flush(): void;
}

/** The loop of an agent: reads news of the core until there are none, then sends what came of them. */
export class Pump {
  readonly #runtime: ThreadRuntime;
  readonly #news: NewsReader;
  readonly #work: PumpWork;
  #pumping = false;
  #scheduled = false;
  #timer: Timer | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(runtime: ThreadRuntime, news: NewsReader, work: PumpWork) {
    this.#runtime = runtime;
    this.#news = news;
    this.#work = work;
  }

  /** Runs the loop soon. */
  readonly later = (): void => {
    if (this.#scheduled || this.#runtime.closed) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  };

  readonly #run = (): void => {
    this.#scheduled = false;
    if (this.#pumping || this.#runtime.closed) return;
    this.#pumping = true;
    const { port } = this.#runtime;
    let more = true;
    try {
      for (let round = 0; more && round < ROUNDS; round++) more = port.step(this.#news, true) || this.#work.settle();
      this.#work.flush();
    } finally {
      this.#pumping = false;
    }
    if (more) this.later();
  };

  /** Runs the loop at that time, or before. */
  wake(at: number): void {
    if (at >= this.#wakeAt) return;
    this.#timer?.cancel();
    this.#wakeAt = at;
    this.#timer = new Timer(Math.max(0, at - now()), () => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.later();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
