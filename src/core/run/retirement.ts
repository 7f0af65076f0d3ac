import { now, setTimeout } from '../../common/timers.ts';

/** What a thread is told of its own end. */
export interface RetirementPorts {
  /** Milliseconds from its start for which it stays, whatever happens. */
  readonly staysForMs: number;
  /** Ends the thread. Another takes its place. */
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
  #broken = false;
  #due = false;

  constructor(ports: RetirementPorts, wake: () => void) {
    this.#ports = ports;
    this.#wake = wake;
  }

  /** A module has failed to load, and the task that needed it has been told. */
  broken(): void {
    if (this.#broken) return;
    this.#broken = true;
    const rest = this.#since + this.#ports.staysForMs - now();
    const due = (): void => {
      this.#due = true;
      this.#wake();
    };
    if (rest <= 0) due();
    else setTimeout(due, rest).unref();
  }

  /** Whether the thread is to begin nothing more, and to end when all it has begun is done. */
  get isDue(): boolean {
    return this.#due;
  }

  exit(): void {
    this.#ports.exit();
  }
}
