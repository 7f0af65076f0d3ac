import type { FastifyReply } from 'fastify';

/** Seconds after which a client that was pushed back should come again. */
const RETRY_AFTER = 1;

/** Lets so many requests in at a time. The others are told to come back, so that waiting work never grows without end. */
export class Gate {
  readonly limit: number;
  #inside = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Requests that were let in and are not answered yet. */
  get inside(): number {
    return this.#inside;
  }

  /** Does the work, or answers 503. */
  async admit<T>(reply: FastifyReply, work: () => Promise<T>): Promise<T | FastifyReply> {
    if (this.#inside >= this.limit) {
      return reply.code(503).header('retry-after', RETRY_AFTER).send({ error: 'busy' });
    }
    this.#inside++;
    try {
      return await work();
    } finally {
      this.#inside--;
    }
  }
}
