import type { ClientId } from './ports.ts';

/** What is kept of a batch until its client knows the outcome. */
export interface Completion {
  readonly batchNo: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly results: Buffer;
}

interface Session {
  lastBatch: number;
  /** Of batches that the client has not said it knows, in order. */
  completions: Completion[];
}

/** Sessions that have ended are remembered, the newest so many: what comes late from them is not carried out. */
const MOST_ENDED = 100_000;

/** Each batch of a client is carried out once. A part of the replicated state: it changes by batches alone. */
export class Sessions {
  readonly #sessions = new Map<ClientId, Session>();
  readonly #ended = new Set<ClientId>();

  isEnded(client: ClientId): boolean {
    return this.#ended.has(client);
  }

  lastBatch(client: ClientId): number {
    return this.#sessions.get(client)?.lastBatch ?? 0;
  }

  completions(client: ClientId): readonly Completion[] {
    return this.#sessions.get(client)?.completions ?? [];
  }

  /** The batch is carried out; the client knows the outcome of those below `ackBelow`. */
  complete(client: ClientId, ackBelow: number, completion: Completion): void {
    if (this.#ended.has(client)) return;
    let session = this.#sessions.get(client);
    if (session === undefined) {
      session = { lastBatch: 0, completions: [] };
      this.#sessions.set(client, session);
    }
    session.lastBatch = completion.batchNo;
    const { completions } = session;
    let known = 0;
    while (known < completions.length && (completions[known]?.batchNo ?? 0) < ackBelow) known += 1;
    if (known > 0) completions.splice(0, known);
    completions.push(completion);
  }

  end(client: ClientId): void {
    this.#sessions.delete(client);
    this.#ended.add(client);
    if (this.#ended.size <= MOST_ENDED) return;
    for (const oldest of this.#ended) {
      this.#ended.delete(oldest);
      break;
    }
  }
}
