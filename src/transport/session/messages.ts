import type { Env } from '../../common/step.ts';
import { u53 } from '../messages/kinds.ts';
import { encode } from '../messages/message.ts';
import { type TransportMessages, transportTable } from '../messages/transport-table.ts';
import { endSession } from './ending.ts';
import {
  ACK_BYTES,
  ACK_MESSAGES,
  ACK_MS,
  type Effects,
  HELD_BYTES,
  kinds,
  MESSAGE_COST,
  SESSION_WAIT_BYTES,
  type Session,
  type Sessions,
  UNACKNOWLEDGED_BYTES,
} from './state.ts';

/** A message of the owner. */
export function send(session: Session, body: Uint8Array, withRefs: boolean, env: Env, effects: Effects): void {
  const { peer: to } = session;
  if (session.unacknowledgedBytes + body.length + MESSAGE_COST > UNACKNOWLEDGED_BYTES) {
    session.waiting = true;
    effects.push({ type: 'refused', to, why: 'full', text: `${to} has not acknowledged what was sent before` });
    return;
  }
  number(session, withRefs ? kinds.withRefs : kinds.plain, body, env, effects);
  if (withRefs) {
    session.unheld.add(session.last);
    effects.push({ type: 'numbered', to, n: session.last });
  }
  if (session.unacknowledgedBytes < SESSION_WAIT_BYTES) return;
  session.waiting = true;
  effects.push({ type: 'wait', to });
}

/** HELD: a numbered message, so that it is as safe as others. It is taken where messages of the owner are not. */
export function sendHeld(sessions: Sessions, session: Session, n: number, env: Env, effects: Effects): void {
  if (!session.toHold.delete(n)) throw new Error(`message ${n} of ${session.peer} has no refs to hold`);
  if (session.unacknowledgedBytes > HELD_BYTES) {
    endSession(sessions, session, 'the peer sends, and does not acknowledge what is sent to it', effects);
    return;
  }
  const body = new Uint8Array(u53.size(n));
  u53.write(body, 0, n);
  number(session, kinds.held, body, env, effects);
}

function number(session: Session, kind: number, body: Uint8Array, env: Env, effects: Effects): void {
  const frame = encode(transportTable.NUMBERED, { n: session.last + 1, received: session.received, kind, body });
  session.last += 1;
  if (session.unacknowledged.length === 0) heard(session, env);
  session.unacknowledged.push(frame);
  session.unacknowledgedBytes += frame.length + MESSAGE_COST;
  if (session.link === undefined) return;
  effects.push({ type: 'transmit', link: session.link.id, frame });
  told(session);
}

/** The peer has acknowledged something, or had nothing to acknowledge. */
function heard(session: Session, { now }: Env): void {
  session.progressAt = now;
  session.waitsSince = now;
  session.failures = 0;
}

/** The peer knows what has come. */
function told(session: Session): void {
  session.told = session.received;
  session.untoldBytes = 0;
  session.tellAt = Number.POSITIVE_INFINITY;
}

/** RECEIVED alone: no message went back in time. */
export function tell(session: Session, effects: Effects): void {
  if (session.link === undefined || session.told === session.received) return;
  const frame = encode(transportTable.RECEIVED, { received: session.received });
  effects.push({ type: 'transmit', link: session.link.id, frame });
  told(session);
}

/** All that the peer has not acknowledged, on a link that has just come to serve. OPEN has told what came. */
export function resend(session: Session, env: Env, effects: Effects): void {
  told(session);
  session.progressAt = env.now;
  const { link } = session;
  if (link === undefined) return;
  for (const frame of session.unacknowledged) effects.push({ type: 'transmit', link: link.id, frame });
}

/** The peer has got everything up to `received`. False: it has not been sent so much, and the session has ended. */
export function acknowledge(
  sessions: Sessions,
  session: Session,
  received: number,
  env: Env,
  effects: Effects,
): boolean {
  if (received > session.last) {
    endSession(sessions, session, `message ${received} was acknowledged, and ${session.last} were sent`, effects);
    return false;
  }
  // An acknowledgement in a message that was sent again can be an old one.
  if (received <= session.acknowledged) return true;
  const gone = session.unacknowledged.splice(0, received - session.acknowledged);
  for (const frame of gone) session.unacknowledgedBytes -= frame.length + MESSAGE_COST;
  session.acknowledged = received;
  heard(session, env);
  if (session.waiting && session.unacknowledgedBytes < SESSION_WAIT_BYTES / 2) {
    session.waiting = false;
    effects.push({ type: 'go', to: session.peer });
  }
  return true;
}

/** A numbered message came on the link that serves. */
export function numbered(
  sessions: Sessions,
  session: Session,
  { n, received, kind, body }: TransportMessages['NUMBERED'],
  env: Env,
  effects: Effects,
): 'ok' | 'gap' {
  if (!acknowledge(sessions, session, received, env, effects)) return 'ok';
  if (n > session.received + 1) return 'gap';
  if (n <= session.received) return 'ok';
  session.received = n;
  session.untoldBytes += body.length;
  if (kind === kinds.held) held(sessions, session, body, effects);
  else {
    const withRefs = kind === kinds.withRefs;
    if (withRefs) session.toHold.add(n);
    effects.push({ type: 'deliver', from: session.peer, n, body, withRefs });
  }
  if (session.received - session.told >= ACK_MESSAGES || session.untoldBytes >= ACK_BYTES) tell(session, effects);
  else if (session.tellAt === Number.POSITIVE_INFINITY) {
    session.tellAt = env.now + ACK_MS;
    effects.push({ type: 'wake', at: session.tellAt });
  }
  return 'ok';
}

function held(sessions: Sessions, session: Session, body: Uint8Array, effects: Effects): void {
  const n = u53.read({ bytes: body, at: 0, end: body.length });
  if (session.unheld.delete(n)) effects.push({ type: 'held', by: session.peer, n });
  else endSession(sessions, session, `the refs of message ${n} are held, and it has none`, effects);
}
