/** A change of the store. Numbers begin at 1 and have no gap. */
export interface Change {
  readonly seq: number;
  readonly records: readonly (readonly [key: string, value: string])[];
}

/** What a subscriber saw, in order. Before the first: it has everything up to 0. */
export type Seen =
  | ({ readonly saw: 'event' } & Change)
  /** RESET: everything that is there at `seq`; events go on from there. */
  | { readonly saw: 'snapshot'; readonly seq: number; readonly records: ReadonlyMap<string, string> };

/** What is wrong with what a subscriber saw: events are the committed changes, each once, in order, with no gap but at a RESET. */
export function subscriptionProblem(seen: readonly Seen[], committed: readonly Change[]): string | undefined {
  let at = 0;
  for (const what of seen) {
    const problem = what.saw === 'snapshot' ? snapshotProblem(what, at, committed) : eventProblem(what, at, committed);
    if (problem !== undefined) return problem;
    at = what.seq;
  }
  return undefined;
}

function eventProblem({ seq, records }: Change, at: number, committed: readonly Change[]): string | undefined {
  if (seq <= at) return `event ${seq} after ${at}: not in order`;
  if (seq > at + 1) return `event ${seq} after ${at}: a gap without RESET`;
  const change = committed[seq - 1];
  if (change === undefined) return `event ${seq} was never committed`;
  return sameRecords(records, change.records) ? undefined : `event ${seq} is not what was committed`;
}

function snapshotProblem(
  { seq, records }: Extract<Seen, { saw: 'snapshot' }>,
  at: number,
  committed: readonly Change[],
): string | undefined {
  if (seq < at) return `a snapshot at ${seq} after event ${at}: back in time`;
  if (seq > committed.length) return `a snapshot at ${seq}, which was never committed`;
  const right = new Map(committed.slice(0, seq).flatMap((change) => change.records));
  return sameRecords([...records].sort(), [...right].sort())
    ? undefined
    : `the snapshot at ${seq} is not the store at ${seq}`;
}

function sameRecords(a: Change['records'], b: Change['records']): boolean {
  return a.length === b.length && a.every(([key, value], i) => key === b[i]?.[0] && value === b[i]?.[1]);
}
