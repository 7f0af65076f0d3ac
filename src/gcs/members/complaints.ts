/**
 * Complaints: of two nodes that live and cannot reach one another, one is declared dead. Rules:
 *
 * 1. It is enough that one of the two complains. The other may never have heard of it, or have nothing to say to it; and which of
 *    them spoke says nothing about which of them is broken.
 * 2. The choice is made `nodeTimeoutMs` after the first word, less the time in which the authority stood still, and while it hears
 *    of both. By then all who miss a broken node have said so, and a node that was dead has died of its silence.
 * 3. Drivers go last: a driver goes before a node only if more counts against it, and it is at odds with most of the nodes there
 *    are, two at least. Then the cluster is out of its reach.
 * 4. Else that one goes against which more counts: complaints, and what its host's last node left it. Equal: the one that was left
 *    over more often. Equal: the one with the higher id.
 * 5. The complaints of a node end with it, however it dies.
 */
import { declareDead } from './deaths.ts';
import type { AuthorityEffect, AuthorityEvent } from './ports.ts';
import { against, bequeath } from './standing.ts';
import type { AuthorityState, Complaint, Living } from './state.ts';

export function onComplain(
  state: AuthorityState,
  { node, of, why }: Extract<AuthorityEvent, { kind: 'complain' }>,
  now: number,
): void {
  const one = state.living.get(node)?.standing.complaints;
  const other = state.living.get(of)?.standing.complaints;
  if (node === of || one === undefined || other === undefined || one.has(of)) return;
  const complaint: Complaint = { why, since: now, stalledThen: state.stalledMs };
  one.set(of, complaint);
  other.set(node, complaint);
}

/** Chooses where it is time to. */
export function judge(state: AuthorityState, now: number, effects: AuthorityEffect[]): void {
  // Nodes and complaints go while the two maps are gone through.
  for (const [node, one] of state.living) {
    for (const [of, complaint] of one.standing.complaints) {
      const other = state.living.get(of);
      if (other === undefined || !isDue(state, complaint, now) || !isHeard(one) || !isHeard(other)) continue;
      const goes = chosen(state, one, other);
      const stays = goes === one ? other : one;
      stays.standing.outlived += 1;
      bequeath(state, goes);
      const cause = `nodes ${node} and ${of} cannot reach one another: ${complaint.why}`;
      declareDead(state, goes.row.nodeId, cause, effects);
    }
  }
}

function isDue({ settings, stalledMs }: AuthorityState, { since, stalledThen }: Complaint, now: number): boolean {
  return now - since - (stalledMs - stalledThen) >= settings.nodeTimeoutMs;
}

function isHeard({ link, suspected }: Living): boolean {
  return link !== null && !suspected;
}

/** The one of the two that must go. */
function chosen(state: AuthorityState, one: Living, other: Living): Living {
  if (one.row.driver !== other.row.driver) {
    const [driver, node] = one.row.driver ? [one, other] : [other, one];
    return against(driver) > against(node) && isApart(state, driver) ? driver : node;
  }
  const more = against(one) - against(other) || one.standing.outlived - other.standing.outlived;
  if (more !== 0) return more > 0 ? one : other;
  return one.row.nodeId > other.row.nodeId ? one : other;
}

/** Whether a driver is at odds with most of the nodes, two at least. */
function isApart({ living }: AuthorityState, { standing: { complaints } }: Living): boolean {
  let nodes = 0;
  for (const { row } of living.values()) if (!row.driver) nodes += 1;
  return complaints.size > 1 && 2 * complaints.size > nodes;
}
