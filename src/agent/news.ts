import type { NewsReader } from '../core/port/port.ts';
import { event } from '../core/port/wire.ts';
import type { ThreadRuntime } from '../core/runtime.ts';

/** Tokens from here on are those of tasks of other nodes; the thread's own subscriptions never have so many. */
export const FIRST_TOKEN: number = 2 ** 30;

/** Reads the agent's news: results of tasks of other nodes by the shortest way, the rest as any thread does. */
export class AgentNews implements NewsReader {
  readonly #runtime: ThreadRuntime;
  readonly #settled: (token: number, outcome: number, pos: number) => void;

  /** `settled` hears of results, by their token less `FIRST_TOKEN`. */
  constructor(runtime: ThreadRuntime, settled: (token: number, outcome: number, pos: number) => void) {
    this.#runtime = runtime;
    this.#settled = settled;
  }

  /** The agent looks until there is nothing. */
  get expects(): boolean {
    return true;
  }

  read(end: number): void {
    const { port, inbox, values, refs } = this.#runtime;
    // What tasks have written goes before what came of them.
    inbox.beforeNews();
    for (let pos = 0; pos < end; ) {
      const token = port.inbox[pos] === event.value ? port.inboxView.getUint32(pos + 4, true) : 0;
      if (token < FIRST_TOKEN) {
        pos = inbox.readOne(pos);
        continue;
      }
      const next = values.skip(pos + 8);
      this.#settled(token - FIRST_TOKEN, port.inbox[pos + 1] as number, pos + 8);
      pos = next;
    }
    refs.look();
  }
}
