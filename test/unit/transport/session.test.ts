import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '../../../src/transport/messages/message.ts';
import { transportTable } from '../../../src/transport/messages/transport-table.ts';
import {
  ACK_MS,
  HELD_BYTES,
  type SessionEffect,
  type SessionEvent,
  type Sessions,
  SILENT_MS,
  sessionsOf,
} from '../../../src/transport/session/state.ts';
import { sessionStep } from '../../../src/transport/session/step.ts';

const A = '000000000000000a';
const B = '000000000000000b';
const body = Uint8Array.of(1, 2, 3);
const give = (sessions: Sessions, event: SessionEvent, now = 0): readonly SessionEffect[] =>
  sessionStep(sessions, event, { now, random: () => 0.5 });
const frames = (effects: readonly SessionEffect[], link?: number): Uint8Array[] =>
  effects.flatMap((effect) =>
    effect.type === 'transmit' && (link === undefined || effect.link === link) ? [effect.frame] : [],
  );
const typesOf = (effects: readonly SessionEffect[]): string[] => effects.map(({ type }) => type);
const closes = (effects: readonly SessionEffect[]): (readonly [number, string])[] =>
  effects.flatMap((effect) => (effect.type === 'close' ? [[effect.link, effect.code] as const] : []));

/** Two nodes with one link, number 1 on both sides, that A dialed. */
function linked(): { a: Sessions; b: Sessions } {
  const [a, b] = [sessionsOf(A), sessionsOf(B)];
  const [open] = frames(give(a, { type: 'connected', link: 1, peer: B, dialed: true }));
  give(b, { type: 'connected', link: 1, peer: A, dialed: false });
  const [answer] = frames(give(b, { type: 'frame', link: 1, bytes: open as Uint8Array }));
  give(a, { type: 'frame', link: 1, bytes: answer as Uint8Array });
  return { a, b };
}

test('a peer that is of no use ends without a session, once', () => {
  const sessions = sessionsOf(A);
  const end = { type: 'end', peer: B, text: 'it serves nothing' } as const;
  assert.deepEqual(give(sessions, end), [{ type: 'ended', peer: B, text: 'it serves nothing' }]);
  assert.deepEqual(give(sessions, end), []);
  assert.deepEqual(typesOf(give(sessions, { type: 'send', to: B, body, withRefs: false })), ['refused']);
});

test('both dial at once: the link of the lower id serves on both sides, and nobody dials again', () => {
  const [a, b] = [sessionsOf(A), sessionsOf(B)];
  // Link 1: dialed by A. Link 2: dialed by B.
  const [openA] = frames(give(a, { type: 'connected', link: 1, peer: B, dialed: true }));
  const [openB] = frames(give(b, { type: 'connected', link: 2, peer: A, dialed: true }));
  give(a, { type: 'connected', link: 2, peer: B, dialed: false });
  give(b, { type: 'connected', link: 1, peer: A, dialed: false });
  const atA = give(a, { type: 'frame', link: 2, bytes: openB as Uint8Array });
  const atB = give(b, { type: 'frame', link: 1, bytes: openA as Uint8Array });
  assert.deepEqual(closes(atA), [[2, 'replaced']]);
  assert.deepEqual(closes(atB), [[2, 'replaced']]);
  const [answer] = frames(atB, 1);
  give(a, { type: 'frame', link: 1, bytes: answer as Uint8Array });
  assert.equal(a.live.get(B)?.link?.id, 1);
  assert.equal(b.live.get(A)?.link?.id, 1);
  assert.equal(typesOf([...atA, ...atB]).includes('dial'), false);
  assert.equal(a.live.get(B)?.retryAt, Number.POSITIVE_INFINITY);
});

test('a peer that dials again because its end is gone is served at once, though ours still stands', () => {
  const { a, b } = linked();
  // B has lost link 1; A has not heard of it.
  give(b, { type: 'closed', link: 1, code: 'lost', text: 'x' });
  const [open] = frames(give(b, { type: 'connected', link: 2, peer: A, dialed: true }));
  give(a, { type: 'connected', link: 2, peer: B, dialed: false });
  const effects = give(a, { type: 'frame', link: 2, bytes: open as Uint8Array });
  assert.deepEqual(closes(effects), [[1, 'replaced']]);
  assert.equal(a.live.get(B)?.link?.id, 2);
});

for (const [own, peer] of [
  [A, B],
  [B, A],
] as const) {
  test(`a dial that was under way when that of ${own} was answered does not replace it`, () => {
    const [a, b] = [sessionsOf(own), sessionsOf(peer)];
    // The peer dials link 2 before it knows of link 1; its OPEN arrives when link 1 serves.
    const [openB] = frames(give(b, { type: 'connected', link: 2, peer: own, dialed: true }));
    const [openA] = frames(give(a, { type: 'connected', link: 1, peer, dialed: true }));
    // What the peer answers where its own dial has failed meanwhile.
    give(b, { type: 'closed', link: 2, code: 'lost', text: 'x' });
    give(b, { type: 'connected', link: 1, peer: own, dialed: false });
    const [answer] = frames(give(b, { type: 'frame', link: 1, bytes: openA as Uint8Array }), 1);
    give(a, { type: 'frame', link: 1, bytes: answer as Uint8Array });
    give(a, { type: 'connected', link: 2, peer, dialed: false });
    assert.deepEqual(closes(give(a, { type: 'frame', link: 2, bytes: openB as Uint8Array })), [[2, 'replaced']]);
    assert.equal(a.live.get(peer)?.link?.id, 1);
  });
}

test('a link that nobody opens is given up, and one that this node dialed is dialed again', () => {
  for (const dialed of [true, false]) {
    const a = sessionsOf(A);
    give(a, { type: 'connected', link: 1, peer: B, dialed });
    assert.deepEqual(closes(give(a, { type: 'woken' }, SILENT_MS - 1)), []);
    assert.deepEqual(closes(give(a, { type: 'woken' }, SILENT_MS)), [[1, 'unread']]);
    assert.equal(a.links.size, 0);
    assert.equal(typesOf(give(a, { type: 'woken' }, 2 * SILENT_MS)).includes('dial'), dialed);
  }
});

test('a peer that dialed and left before OPEN has no session, as it meant another node', () => {
  const b = sessionsOf(B);
  give(b, { type: 'connected', link: 1, peer: A, dialed: false });
  give(b, { type: 'connected', link: 2, peer: A, dialed: false });
  give(b, { type: 'closed', link: 1, code: 'lost', text: '' });
  assert.equal(b.live.size, 1);
  assert.deepEqual(typesOf(give(b, { type: 'closed', link: 2, code: 'lost', text: '' })), []);
  assert.equal(b.live.size, 0);
  // What is to be said to it is.
  give(b, { type: 'send', to: A, body, withRefs: false });
  assert.equal(b.live.size, 1);
});

test('a message before OPEN is not delivered, and ends the link', () => {
  const a = sessionsOf(A);
  give(a, { type: 'connected', link: 1, peer: B, dialed: false });
  const bytes = encode(transportTable.NUMBERED, { n: 1, received: 0, kind: 0, body });
  const effects = give(a, { type: 'frame', link: 1, bytes });
  assert.deepEqual(closes(effects), [[1, 'protocol']]);
  assert.equal(typesOf(effects).includes('deliver'), false);
});

test('what has come is acknowledged after a while, or by what goes back', () => {
  const { a, b } = linked();
  const first = give(a, { type: 'send', to: B, body, withRefs: false });
  const came = give(b, { type: 'frame', link: 1, bytes: frames(first)[0] as Uint8Array }, 100);
  assert.deepEqual(typesOf(came), ['deliver', 'wake']);
  assert.deepEqual(frames(give(b, { type: 'woken' }, 100 + ACK_MS - 1)), []);
  const [received] = frames(give(b, { type: 'woken' }, 100 + ACK_MS));
  assert.equal(received?.[0], transportTable.RECEIVED.number);
  give(a, { type: 'frame', link: 1, bytes: received as Uint8Array }, 130);
  assert.equal(a.live.get(B)?.unacknowledged.length, 0);
  const second = give(a, { type: 'send', to: B, body, withRefs: false }, 200);
  give(b, { type: 'frame', link: 1, bytes: frames(second)[0] as Uint8Array }, 200);
  const back = give(b, { type: 'send', to: A, body, withRefs: false }, 201);
  give(a, { type: 'frame', link: 1, bytes: frames(back)[0] as Uint8Array }, 202);
  assert.equal(a.live.get(B)?.unacknowledged.length, 0);
  assert.deepEqual(frames(give(b, { type: 'woken' }, 1000)), []);
});

test('a link on which nothing is acknowledged is given up, and one that is idle is not', () => {
  const { a, b } = linked();
  assert.deepEqual(give(a, { type: 'woken' }, 100 * SILENT_MS), []);
  give(a, { type: 'send', to: B, body, withRefs: false }, 100 * SILENT_MS);
  assert.deepEqual(closes(give(a, { type: 'woken' }, 101 * SILENT_MS - 1)), []);
  assert.deepEqual(closes(give(a, { type: 'woken' }, 101 * SILENT_MS)), [[1, 'unread']]);
  void b;
});

/** A message that B does not answer, and links to B that fail; gives when the session ended. */
function outOfReach(fail: (a: Sessions, now: number) => readonly SessionEffect[]): number | undefined {
  const { a } = linked();
  a.reachMs = 60_000;
  give(a, { type: 'send', to: B, body, withRefs: false }, 1_000);
  for (let now = 1_000; now < 100_000; now += 100) {
    if (fail(a, now).some(({ type }) => type === 'ended')) return now;
  }
  return undefined;
}

test('a peer that acknowledges nothing is tried for so long, and then the session ends', () => {
  const dialFails = outOfReach((a, now) => [
    ...give(a, { type: 'woken' }, now),
    ...give(a, { type: 'dialFailed', to: B }, now),
  ]);
  assert.equal(dialFails, 61_000);
  // Links come up, OPEN passes, and nothing else does.
  let link = 1;
  const nothingPasses = outOfReach((a, now) => {
    const effects = give(a, { type: 'woken' }, now);
    if (!typesOf(effects).includes('dial')) return effects;
    link += 1;
    give(a, { type: 'connected', link, peer: B, dialed: true }, now);
    const bytes = encode(transportTable.OPEN, { to: A, received: 0, dial: link, seen: 0 });
    return [...effects, ...give(a, { type: 'frame', link, bytes }, now)];
  });
  assert.ok(nothingPasses !== undefined && nothingPasses >= 61_000 && nothingPasses < 61_000 + 2 * SILENT_MS);
});

test('a session in which nothing is to be said does not end, however long its peer is away', () => {
  const { a } = linked();
  a.reachMs = 60_000;
  give(a, { type: 'closed', link: 1, code: 'lost', text: 'x' });
  for (let now = 0; now < 200_000; now += 1_000) give(a, { type: 'dialFailed', to: B }, now);
  assert.ok(a.live.has(B));
  give(a, { type: 'send', to: B, body, withRefs: false }, 200_000);
  for (let now = 200_000; now < 260_000; now += 1_000) give(a, { type: 'dialFailed', to: B }, now);
  assert.ok(a.live.has(B), 'the time begins with what is to be said');
  const effects = give(a, { type: 'dialFailed', to: B }, 260_000);
  const text = `node ${B} has acknowledged nothing for 60000 ms`;
  assert.deepEqual(effects, [{ type: 'ended', peer: B, text }]);
  assert.equal(a.ended.get(B), text);
});

test('a process that has stood still does not end sessions for it', () => {
  const { a } = linked();
  a.reachMs = 60_000;
  give(a, { type: 'send', to: B, body, withRefs: false }, 0);
  const effects = give(a, { type: 'woken' }, 70_000);
  assert.deepEqual(closes(effects), [[1, 'unread']]);
  assert.ok(a.live.has(B));
});

test('an acknowledgement or a HELD of what was never sent ends the session on both sides', () => {
  for (const bytes of [
    encode(transportTable.RECEIVED, { received: 1 }),
    encode(transportTable.NUMBERED, { n: 1, received: 0, kind: 2, body: Uint8Array.of(1, 0, 0, 0, 0, 0, 0) }),
  ]) {
    const { a, b } = linked();
    const effects = give(a, { type: 'frame', link: 1, bytes });
    assert.deepEqual(closes(effects), [[1, 'ended']]);
    assert.ok(typesOf(effects).includes('ended'));
    const ended = give(b, { type: 'closed', link: 1, code: 'ended', text: 'why' });
    assert.deepEqual(ended, [{ type: 'ended', peer: A, text: 'why' }]);
  }
});

test('a peer that sends refs and reads nothing costs 4 MiB, then the session', () => {
  const { a } = linked();
  let ended: string | undefined;
  let most = 0;
  for (let n = 1; ended === undefined; n += 1) {
    assert.ok(n < 100_000);
    const bytes = encode(transportTable.NUMBERED, { n, received: 0, kind: 1, body });
    give(a, { type: 'frame', link: 1, bytes });
    most = Math.max(most, a.live.get(B)?.unacknowledgedBytes ?? 0);
    for (const effect of give(a, { type: 'hold', from: B, n })) if (effect.type === 'ended') ended = effect.text;
  }
  assert.match(ended, /does not acknowledge/);
  assert.ok(most > HELD_BYTES - 1000 && most < HELD_BYTES + 1000, `${most}`);
});

test('HELD waits for nothing and nothing waits for it', () => {
  const { a, b } = linked();
  const sent = [true, false, true].map((withRefs) => give(a, { type: 'send', to: B, body, withRefs }));
  assert.deepEqual(
    sent.flatMap((effects) => effects.flatMap((effect) => (effect.type === 'numbered' ? [effect.n] : []))),
    [1, 3],
  );
  for (const effects of sent) {
    for (const bytes of frames(effects)) {
      assert.ok(typesOf(give(b, { type: 'frame', link: 1, bytes })).includes('deliver'));
    }
  }
  // Held in another order than sent.
  for (const n of [3, 1]) {
    const [bytes] = frames(give(b, { type: 'hold', from: A, n }));
    const told = give(a, { type: 'frame', link: 1, bytes: bytes as Uint8Array });
    assert.deepEqual(
      told.filter(({ type }) => type === 'held'),
      [{ type: 'held', by: B, n }],
    );
  }
  assert.throws(() => give(b, { type: 'hold', from: A, n: 2 }), /has no refs to hold/);
});
