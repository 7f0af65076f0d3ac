import type { Bug } from './bugs.ts';
import type { Record } from './log.ts';
import type { Done, Result } from './messages.ts';

interface Session {
  last: number;
  /** Of batches that the client may ask for again. */
  readonly results: Map<number, readonly Result[]>;
}

/** What the writer knows of its clients' batches. It is made anew from the log at a start. */
export class Sessions {
  readonly #bug: Bug | undefined;
  readonly #known = new Map<string, Session>();

  constructor(bug: Bug | undefined) {
    this.#bug = bug;
  }

  /** Whether a batch is to be executed, was executed, or comes before its turn. */
  judge(client: string, batch: number): 'next' | 'old' | 'early' {
    const last = this.#known.get(client)?.last;
    if (last === undefined && this.#bug === 'sessions forgotten at restart') return 'next';
    if (batch <= (last ?? 0)) return this.#bug === 'no dedup' ? 'next' : 'old';
    return batch === (last ?? 0) + 1 || this.#bug === 'resent out of order' ? 'next' : 'early';
  }

  executed({ client, batch, ackBelow, results }: Record): void {
    const session = this.#known.get(client) ?? { last: 0, results: new Map() };
    this.#known.set(client, session);
    session.last = batch;
    if (this.#bug === 'completion record dropped early') session.results.clear();
    session.results.set(batch, results);
    for (const old of session.results.keys()) if (old < ackBelow) session.results.delete(old);
  }

  result(client: string, batch: number): readonly Result[] | undefined {
    return this.#known.get(client)?.results.get(batch);
  }

  done(client: string, from: number): Done[] {
    const results = this.#known.get(client)?.results ?? new Map<number, readonly Result[]>();
    return [...results].filter(([batch]) => batch >= from).map(([batch, of]) => ({ batch, results: of }));
  }
}
