/** A batch of a client's session. Numbers of a client begin at 1. */
export interface Batch {
  readonly client: string;
  readonly batch: number;
}

/**
 * What is wrong with the batches of sessions: each is executed at most once, those of a client in order without a gap, and what was
 * acknowledged was executed. `executed`: in the order in which the store did it.
 */
export function sessionProblem(executed: readonly Batch[], acknowledged: readonly Batch[]): string | undefined {
  const last = new Map<string, number>();
  for (const { client, batch } of executed) {
    const before = last.get(client) ?? 0;
    if (batch <= before) return `batch ${batch} of ${client} was executed after ${before}: twice, or out of order`;
    if (batch !== before + 1) return `batch ${batch} of ${client} was executed after ${before}: a gap`;
    last.set(client, batch);
  }
  const lost = acknowledged.find(({ client, batch }) => batch > (last.get(client) ?? 0));
  return lost && `batch ${lost.batch} of ${lost.client} was acknowledged, but is not there`;
}
