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
    if (what.saw === 'snapshot') {
      if (what.seq < at) return `a snapshot at ${what.seq} after event ${at}: back in time`;
      const wrong = snapshotProblem(what.seq, what.records, committed);
      if (wrong !== undefined) return wrong;
    } else {
      if (what.seq !== at + 1) return `event ${what.seq} after ${at}: ${what.seq <= at ? 'not in order' : 'a gap without RESET'}`;
      const change = committed[what.seq - 1];
      if (change === undefined) return `event ${what.seq} was never committed`;
      if (!sameRecords(what.records, change.records)) return `event ${what.seq} is not what was committed`;
    }
    at = what.seq;
  }
  return undefined;
}

function snapshotProblem(
  seq: number,
  records: ReadonlyMap<string, string>,
  committed: readonly Change[],
): string | undefined {
  if (seq > committed.length) return `a snapshot at ${seq}, which was never committed`;
  const right = new Map(committed.slice(0, seq).flatMap((change) => change.records));
  return sameRecords([...records].sort(), [...right].sort()) ? undefined : `the snapshot at ${seq} is not the store at ${seq}`;
}

function sameRecords(a: Change['records'], b: Change['records']): boolean {
  return a.length === b.length && a.every(([key, value], i) => key === b[i]?.[0] && value === b[i]?.[1]);
}
