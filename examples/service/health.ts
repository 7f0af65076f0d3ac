import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Runtime } from 'mobula';
import type { Gate } from './gate.ts';

const MS = 1e6;

/** Counts requests and measures the event loop, to tell how the service is. */
export class Health {
  readonly #runtime: Runtime;
  readonly #gate: Gate;
  readonly #delay: IntervalHistogram = monitorEventLoopDelay();
  /** Requests that came in, and those whose answer went out. */
  accepted = 0;
  answered = 0;
  /** Set when the service stops: a load balancer then sends no more requests. */
  stopping = false;

  constructor(runtime: Runtime, gate: Gate) {
    this.#runtime = runtime;
    this.#gate = gate;
    this.#delay.enable();
  }

  /** The state now; the delay of the event loop is that since the last report. */
  report(): object {
    const { tasks, workers, store } = this.#runtime.stats();
    const eventLoopDelayMs = this.#takeDelay();
    return {
      status: this.stopping ? 'stopping' : 'ok',
      requests: { accepted: this.accepted, answered: this.answered },
      queue: { depth: this.#gate.inside, limit: this.#gate.limit, tasks },
      store,
      workers,
      eventLoopDelayMs,
      residentBytes: process.memoryUsage.rss(),
    };
  }

  #takeDelay(): { p50: number; p99: number; max: number } {
    const delay = this.#delay;
    const taken = { p50: delay.percentile(50) / MS, p99: delay.percentile(99) / MS, max: delay.max / MS };
    delay.reset();
    return taken;
  }

  close(): void {
    this.#delay.disable();
  }
}
