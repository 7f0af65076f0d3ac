import type { Env } from '../../common/step.ts';
import { closeLink } from './ending.ts';
import { leaveLink } from './links.ts';
import { tell } from './messages.ts';
import { type Effects, type Session, type Sessions, SILENT_MS } from './state.ts';

/** Everything that is due. The edge keeps the earliest `wake` alone, and may come too soon: what is not due asks again. */
export function woken(sessions: Sessions, env: Env, effects: Effects): void {
  for (const link of sessions.links.values()) {
    if (link.opened || notYet(link.since + SILENT_MS, env, effects)) continue;
    closeLink(sessions, link, 'unread', 'it was not opened in time', effects);
    const session = sessions.live.get(link.peer);
    if (session !== undefined) leaveLink(sessions, session, link, env, effects);
  }
  for (const session of sessions.live.values()) {
    if (!notYet(session.tellAt, env, effects)) tell(session, effects);
    giveUpSilent(sessions, session, env, effects);
    if (session.dialing || notYet(session.retryAt, env, effects)) continue;
    session.retryAt = Number.POSITIVE_INFINITY;
    session.dialing = true;
    effects.push({ type: 'dial', to: session.peer });
  }
}

function notYet(at: number, env: Env, effects: Effects): boolean {
  if (at <= env.now) return false;
  if (at !== Number.POSITIVE_INFINITY) effects.push({ type: 'wake', at });
  return true;
}

/** A link on which the peer acknowledges nothing may be one that only this side still has. */
function giveUpSilent(sessions: Sessions, session: Session, env: Env, effects: Effects): void {
  const { link } = session;
  if (link === undefined || session.unacknowledged.length === 0) return;
  if (notYet(session.progressAt + SILENT_MS, env, effects)) return;
  closeLink(sessions, link, 'unread', 'nothing was acknowledged in time', effects);
  leaveLink(sessions, session, link, env, effects);
}
