import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';

/** Items that the requests ask for. */
const PATHS = Array.from({ length: 100 }, (_, id) => ({ path: `/items/${id * 97}/similar` }));

/** What became of the requests of a run. */
export interface LoadResult {
  readonly sent: number;
  /** Answered with 200. */
  readonly done: number;
  /** Answered with 503 and a Retry-After. */
  readonly pushedBack: number;
  /** Everything else: other answers, broken connections, no answer at all. */
  readonly lost: number;
  /** Requests a second that were answered with 200. */
  readonly perSecond: number;
}

interface Load {
  readonly connections: number;
  /** Requests in all; the run ends when each has its answer. */
  readonly amount: number;
  /** Requests a second; as fast as answers come, if absent. */
  readonly rate?: number;
}

/**
 * Generators that share the work of a load with a rate. Each sends what is due at the beginning of its own second;
 * together they begin one after the other, so that the load comes evenly.
 */
const GENERATORS = 10;

/** Sends requests to the service, and waits for what becomes of each. */
export async function sendLoad(url: string, load: Load): Promise<LoadResult> {
  const counts = { done: 0, pushedBack: 0 };
  const began = performance.now();
  if (load.rate === undefined) {
    await generate(url, load, counts);
  } else {
    const part: Load = {
      connections: Math.ceil(load.connections / GENERATORS),
      amount: Math.ceil(load.amount / GENERATORS),
      rate: Math.ceil(load.rate / GENERATORS),
    };
    const run = async (_: unknown, i: number): Promise<void> => {
      await sleep((i * 1000) / GENERATORS);
      await generate(url, part, counts);
    };
    await Promise.all(Array.from({ length: GENERATORS }, run));
  }
  const sent = load.rate === undefined ? load.amount : Math.ceil(load.amount / GENERATORS) * GENERATORS;
  const { done, pushedBack } = counts;
  const seconds = (performance.now() - began) / 1000;
  return { sent, done, pushedBack, lost: sent - done - pushedBack, perSecond: done / seconds };
}

async function generate(
  url: string,
  { connections, amount, rate }: Load,
  counts: { done: number; pushedBack: number },
): Promise<void> {
  await autocannon({
    url,
    connections,
    amount,
    ...(rate === undefined ? {} : { overallRate: rate }),
    requests: PATHS,
    timeout: 60,
    setupClient(client) {
      let retryAfter = false;
      client.on('headers', ({ headers }) => {
        retryAfter = (headers as readonly unknown[]).includes('retry-after');
      });
      client.on('response', (status) => {
        if (status === 200) counts.done++;
        else if (status === 503 && retryAfter) counts.pushedBack++;
      });
    },
  });
}
