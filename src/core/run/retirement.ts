import { now, setTimeout } from '../../common/timers.ts';

/** What a thread is told of its own end. */
export interface RetirementPorts {
  /** Milliseconds from its start for which it stays, whatever happens. */
  readonly staysForMs: number;
  /** Another thread is to take the place of this one, which goes on with what it has begun. Twice is as good as once. */
  leave(): void;
  /** Ends the thread. Another takes its place, unless one has. */
  exit(): void;
}

/**
 * When a thread is to be replaced: once a module has failed to load in it. Node keeps the failure for as long as the thread
 * lives, even if its cause has passed.
 */
export class Retirement {
  readonly #ports: RetirementPorts;
  readonly #since: number = now();
  readonly #wake: () => void;
  /** Resolves when the thread begins nothing more. */
  readonly due: Promise<void>;
  #resolveDue = (): void => undefined;
  #broken = false;
  #isDue = false;

  constructor(ports: RetirementPorts, wake: () => void) {
    this.#ports = ports;
    this.#wake = wake;
    this.due = new Promise((resolve) => {
      this.#resolveDue = resolve;
    });
  }

  /** A module has failed to load, and the task that needed it has been told. */
  broken(): void {
    if (this.#broken) return;
    this.#broken = true;
    const rest = this.#since + this.#ports.staysForMs - now();
    const due = (): void => {
      this.#isDue = true;
      this.#resolveDue();
      this.#wake();
    };
    if (rest <= 0) due();
    else setTimeout(due, rest).unref();
  }

  /** Whether the thread is to begin nothing more, and to end when all it has begun is done. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** What the thread has begun goes on: it may wait for tasks that only another thread can run. */
  leave(): void {
    this.#ports.leave();
  }

  exit(): void {
    this.#ports.exit();
  }
}
