import type { NodeId } from './ports.ts';
import type { AuthorityState, Living, Standing } from './state.ts';

/** So many hosts are remembered. */
const MOST_HOSTS = 1_000;

/** The standing of a node that has come. A driver comes after nobody. */
export function newStanding({ heirs }: AuthorityState, { driver, host }: Living['row']): Standing {
  const inherited = driver ? 0 : (heirs.get(host) ?? 0);
  if (!driver) heirs.delete(host);
  return { complaints: new Map(), inherited, outlived: 0 };
}

/** How much counts against a node. */
export function against({ standing: { complaints, inherited } }: Living): number {
  return complaints.size + inherited;
}

/** A node dies of a complaint: what counts against it counts against the next one on its host. */
export function bequeath({ heirs }: AuthorityState, node: Living): void {
  const { driver, host } = node.row;
  if (driver) return;
  // The newest last.
  heirs.delete(host);
  heirs.set(host, against(node));
  const [oldest] = heirs.keys();
  if (heirs.size > MOST_HOSTS && oldest !== undefined) heirs.delete(oldest);
}

/** A node is dead: nobody complains of it any more, nor it of others. */
export function dropComplaints({ living }: AuthorityState, node: NodeId, { standing }: Living): void {
  for (const other of standing.complaints.keys()) living.get(other)?.standing.complaints.delete(node);
  standing.complaints.clear();
}
