import type { CloseCode } from '../ports.ts';
import type { Effects, Link, Session, Sessions } from './state.ts';

/** Closes a link; what comes on it from then on is not read. */
export function closeLink(sessions: Sessions, link: Link, code: CloseCode, text: string, effects: Effects): void {
  if (sessions.links.delete(link.id)) effects.push({ type: 'close', link: link.id, code, text });
}

/** Ends a session for good. The peer is told why, now or when it dials again. */
export function endSession(
  sessions: Sessions,
  { peer }: Session,
  text: string,
  effects: Effects,
  code: 'ended' | 'dead' = 'ended',
): void {
  sessions.live.delete(peer);
  if (code === 'ended') sessions.ended.set(peer, text);
  for (const link of sessions.links.values()) {
    if (link.peer === peer) closeLink(sessions, link, code, text, effects);
  }
  effects.push({ type: 'ended', peer, text });
}
