import type { Env } from '../../common/step.ts';
import { encode } from '../messages/message.ts';
import { type TransportMessages, transportTable } from '../messages/transport-table.ts';
import type { CloseCode } from '../ports.ts';
import { closeLink, endSession } from './ending.ts';
import { acknowledge, resend } from './messages.ts';
import { type Effects, type Link, newSession, RETRY_MS, type Session, type Sessions, SILENT_MS } from './state.ts';

/** The live session with a peer; it begins when one of the two first speaks of the other. */
export function sessionWith(sessions: Sessions, peer: string): Session {
  let session = sessions.live.get(peer);
  if (session === undefined) {
    session = newSession(peer);
    sessions.live.set(peer, session);
  }
  return session;
}

/** A channel is up. The one that dialed speaks first. */
export function connected(
  sessions: Sessions,
  id: number,
  peer: string,
  dialed: boolean,
  env: Env,
  effects: Effects,
): void {
  const ended = sessions.ended.get(peer);
  if (sessions.dead.has(peer) || ended !== undefined) {
    const code = ended === undefined ? 'dead' : 'ended';
    effects.push({ type: 'close', link: id, code, text: ended ?? `node ${peer} was declared dead` });
    return;
  }
  const session = sessionWith(sessions, peer);
  if (dialed) {
    session.dialing = false;
    if (session.link !== undefined || session.pending !== undefined) {
      effects.push({ type: 'close', link: id, code: 'replaced', text: 'the peer has dialed already' });
      return;
    }
    session.dials += 1;
  }
  const link: Link = { id, peer, dialed, dial: dialed ? session.dials : 0, since: env.now, opened: false };
  sessions.links.set(id, link);
  effects.push({ type: 'wake', at: env.now + SILENT_MS });
  if (!dialed) return;
  session.pending = link;
  sendOpen(session, link, link.dial, effects);
}

function sendOpen(session: Session, link: Link, dial: number, effects: Effects): void {
  const { peer: to, received, seen } = session;
  effects.push({
    type: 'transmit',
    link: link.id,
    frame: encode(transportTable.OPEN, { to, received, dial, seen }),
  });
}

/** OPEN came: a link that was accepted begins, or one that was dialed is answered. */
export function opened(
  sessions: Sessions,
  session: Session,
  link: Link,
  open: TransportMessages['OPEN'],
  env: Env,
  effects: Effects,
): void {
  if (open.to !== sessions.self) {
    closeLink(sessions, link, 'protocol', `${open.to} is meant, and this is ${sessions.self}`, effects);
    return;
  }
  // A frame that came twice.
  if (link.opened) return;
  link.opened = true;
  if (!link.dialed) {
    session.seen = Math.max(session.seen, open.dial);
    if (ownDialWins(sessions, session, open.seen)) {
      closeLink(sessions, link, 'replaced', 'both have dialed, and the other link serves', effects);
      return;
    }
  }
  for (const other of [session.link, session.pending]) {
    if (other !== undefined && other !== link) closeLink(sessions, other, 'replaced', 'a newer link serves', effects);
  }
  session.link = link;
  session.pending = undefined;
  session.attempts = 0;
  session.retryAt = Number.POSITIVE_INFINITY;
  if (open.received < session.acknowledged) {
    endSession(sessions, session, 'the peer has forgotten what it had acknowledged', effects);
    return;
  }
  if (!acknowledge(sessions, session, open.received, env, effects)) return;
  if (!link.dialed) sendOpen(session, link, open.dial, effects);
  resend(session, env, effects);
  if (session.unacknowledged.length > 0) effects.push({ type: 'wake', at: env.now + SILENT_MS });
}

/**
 * Both have dialed. The peer says how many of our links it knew when it dialed. Knew it the last one, then it dialed because that one
 * is gone: the peer's link serves. If not, the two crossed: a link that the peer has answered meanwhile serves, else the link of the
 * node with the lower id. Both sides come to the same, as they know the same two numbers.
 */
function ownDialWins(sessions: Sessions, session: Session, seen: number): boolean {
  const own = session.pending ?? session.link;
  if (own === undefined || !own.dialed || seen >= own.dial) return false;
  return own.opened || sessions.self < session.peer;
}

/** A channel is gone, or was never up. The two sides try again, at different times. */
export function closed(
  sessions: Sessions,
  link: Link,
  code: CloseCode,
  text: string,
  env: Env,
  effects: Effects,
): void {
  sessions.links.delete(link.id);
  const session = sessions.live.get(link.peer);
  if (session === undefined) return;
  if (code === 'ended' || code === 'dead') {
    endSession(sessions, session, text, effects);
    return;
  }
  leaveLink(sessions, session, link, env, effects);
}

/** A link serves no more: the next one is dialed, unless there is one. */
export function leaveLink(sessions: Sessions, session: Session, link: Link, env: Env, effects: Effects): void {
  if (session.link === link) session.link = undefined;
  if (session.pending === link) session.pending = undefined;
  if (session.link === undefined && session.pending === undefined) retryLater(sessions, session, env, effects);
}

export function retryLater(sessions: Sessions, session: Session, env: Env, effects: Effects): void {
  if (session.dialing) return;
  if (isStranger(sessions, session)) {
    sessions.live.delete(session.peer);
    return;
  }
  session.failures += 1;
  if (isOutOfReach(sessions, session, env)) {
    const waited = Math.round(env.now - session.waitsSince);
    endSession(sessions, session, `node ${session.peer} has acknowledged nothing for ${waited} ms`, effects);
    return;
  }
  const [first, longest] = RETRY_MS;
  const wait = Math.min(longest, first * 2 ** session.attempts) * (0.5 + env.random());
  session.attempts += 1;
  // The higher id gives the lower one time, so that the two rarely cross.
  session.retryAt = env.now + (sessions.self < session.peer ? wait : 2 * wait + first);
  effects.push({ type: 'wake', at: session.retryAt });
}

/** A peer that has dialed and left before it said OPEN meant another node. This one has nothing to say to it. */
function isStranger({ links }: Sessions, { peer, dials, seen, last }: Session): boolean {
  return dials === 0 && seen === 0 && last === 0 && ![...links.values()].some((link) => link.peer === peer);
}

/** One failure may be the fault of this process: it has stood still, and the answer has come and was not read. */
function isOutOfReach({ reachMs }: Sessions, { unacknowledged, waitsSince, failures }: Session, { now }: Env): boolean {
  return unacknowledged.length > 0 && failures > 1 && now - waitsSince >= reachMs;
}
