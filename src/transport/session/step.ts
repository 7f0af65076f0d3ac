import { isMobulaError } from '../../common/errors.ts';
import type { Env, Step } from '../../common/step.ts';
import { transportDecoder } from '../messages/transport-table.ts';
import { woken } from './due.ts';
import { closeLink, endSession } from './ending.ts';
import { closed, connected, leaveLink, opened, retryLater, sessionWith } from './links.ts';
import { acknowledge, numbered, send, sendHeld } from './messages.ts';
import { type Effects, type Link, type SessionEffect, type SessionEvent, type Sessions, SILENT_MS } from './state.ts';

/**
 * The sessions of a node with its peers: whatever happens to the channels between two nodes, what one sends the other gets once and in
 * order, or the session ends on both sides with a reason.
 *
 * 1. Messages are numbered, kept until they are acknowledged, and sent again on a new link from the first one that OPEN asks for.
 * 2. A message is delivered if it is the next one. One that came already is ignored; where one is missing, the link is given up.
 * 3. RECEIVED is cumulative and says that messages were delivered. HELD says that the refs of one message are held. Nothing waits for HELD.
 * 4. Either side may dial. One link serves; frames of others are not read.
 * 5. A session ends where a peer has acknowledged nothing of what it was sent for `reachMs`, and two links to it or more have failed since. A
 *    session in which nothing is to be said does not end: nobody misses it.
 * 6. A peer that dialed and left before OPEN came has no session.
 * 7. A process has a new id each time it starts, so its sessions are new. One that has ended stays so for these two ids.
 */
export const sessionStep: Step<Sessions, SessionEvent, SessionEffect> = (sessions, event, env) => {
  const effects: Effects = [];
  switch (event.type) {
    case 'send':
      sent(sessions, event, env, effects);
      break;
    case 'connected':
      connected(sessions, event.link, event.peer, event.dialed, env, effects);
      break;
    case 'woken':
      woken(sessions, env, effects);
      break;
    case 'frame':
    case 'closed': {
      const link = sessions.links.get(event.link);
      if (link === undefined) break;
      if (event.type === 'frame') frame(sessions, link, event.bytes, env, effects);
      else closed(sessions, link, event.code, event.text, env, effects);
      break;
    }
    default:
      ofOne(sessions, event, env, effects);
  }
  return effects;
};

function sent(sessions: Sessions, event: SessionEvent & { type: 'send' }, env: Env, effects: Effects): void {
  const { to, body, withRefs } = event;
  const text = refusal(sessions, to);
  if (text !== undefined) {
    effects.push({ type: 'refused', to, why: 'ended', text });
    return;
  }
  const session = sessionWith(sessions, to);
  send(session, body, withRefs, env, effects);
  if (session.link !== undefined) {
    // The first message without an answer starts the clock of SILENT_MS.
    if (session.unacknowledged.length === 1) effects.push({ type: 'wake', at: env.now + SILENT_MS });
  } else if (session.pending === undefined && !session.dialing && session.retryAt === Number.POSITIVE_INFINITY) {
    session.dialing = true;
    effects.push({ type: 'dial', to });
  }
}

type OfOne = SessionEvent & { readonly type: 'hold' | 'dialFailed' | 'dead' | 'end' };

/** What concerns one peer. With a session that has ended, nothing is left to do. */
function ofOne(sessions: Sessions, event: OfOne, env: Env, effects: Effects): void {
  switch (event.type) {
    case 'hold': {
      const session = sessions.live.get(event.from);
      if (session !== undefined) sendHeld(sessions, session, event.n, env, effects);
      break;
    }
    case 'dialFailed': {
      const session = sessions.live.get(event.to);
      if (session === undefined) break;
      session.dialing = false;
      if (session.link === undefined && session.pending === undefined) retryLater(sessions, session, env, effects);
      break;
    }
    case 'dead': {
      const session = sessions.live.get(event.node);
      sessions.dead.add(event.node);
      sessions.ended.delete(event.node);
      if (session !== undefined) endSession(sessions, session, `node ${event.node} was declared dead`, effects, 'dead');
      break;
    }
    case 'end': {
      const session = sessions.live.get(event.peer);
      if (session !== undefined) endSession(sessions, session, event.text, effects);
      else if (refusal(sessions, event.peer) === undefined) {
        // There need be none for a node to be of no use: values are fetched without one.
        sessions.ended.set(event.peer, event.text);
        effects.push({ type: 'ended', peer: event.peer, text: event.text });
      }
      break;
    }
  }
}

/** Why nothing can be sent to a node. */
function refusal(sessions: Sessions, node: string): string | undefined {
  return sessions.dead.has(node) ? `node ${node} was declared dead` : sessions.ended.get(node);
}

function frame(sessions: Sessions, link: Link, bytes: Uint8Array, env: Env, effects: Effects): void {
  const session = sessions.live.get(link.peer);
  if (session === undefined) return;
  const giveUp = (text: string): void => {
    closeLink(sessions, link, 'protocol', text, effects);
    leaveLink(sessions, session, link, env, effects);
  };
  try {
    const { name, values } = transportDecoder.decode(bytes, link.dialed ? 'acceptor' : 'dialer');
    if (name === 'OPEN') opened(sessions, session, link, values, env, effects);
    else if (session.link !== link) giveUp(`${name} came before OPEN`);
    else if (name === 'RECEIVED') acknowledge(sessions, session, values.received, env, effects);
    else if (name !== 'NUMBERED') giveUp(`${name} came in a session`);
    else if (numbered(sessions, session, values, env, effects) === 'gap') {
      giveUp(`message ${values.n} came, and ${session.received + 1} is the next`);
    }
  } catch (error) {
    if (!isMobulaError(error) || error.code !== 'ERR_MOBULA_FRAME') throw error;
    giveUp(error.message);
  }
}
