import type { Env } from '../../common/step.ts';
import { closeLink } from './ending.ts';
import { leaveLink } from './links.ts';
import { tell } from './messages.ts';
import { type Effects, type Session, type Sessions, SILENT_MS } from './state.ts';

/** Everything that is due. */
export function woken(sessions: Sessions, env: Env, effects: Effects): void {
  const silentSince = env.now - SILENT_MS;
  for (const link of sessions.links.values()) {
    if (link.opened || link.since > silentSince) continue;
    closeLink(sessions, link, 'unread', 'it was not opened in time', effects);
    const session = sessions.live.get(link.peer);
    if (session !== undefined) leaveLink(sessions, session, link, env, effects);
  }
  for (const session of sessions.live.values()) {
    if (session.tellAt <= env.now) tell(session, effects);
    giveUpSilent(sessions, session, env, effects);
    if (session.retryAt > env.now || session.dialing) continue;
    session.retryAt = Number.POSITIVE_INFINITY;
    session.dialing = true;
    effects.push({ type: 'dial', to: session.peer });
  }
}

/** A link on which the peer acknowledges nothing may be one that only this side still has. */
function giveUpSilent(sessions: Sessions, session: Session, env: Env, effects: Effects): void {
  const { link } = session;
  if (link === undefined || session.unacknowledged.length === 0) return;
  if (session.progressAt > env.now - SILENT_MS) {
    effects.push({ type: 'wake', at: session.progressAt + SILENT_MS });
    return;
  }
  closeLink(sessions, link, 'unread', 'nothing was acknowledged in time', effects);
  leaveLink(sessions, session, link, env, effects);
}
