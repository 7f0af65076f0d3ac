import assert from 'node:assert/strict';
import { test } from 'node:test';
import { happened, type Node, SessionWorld } from './session-world.ts';

const SEEDS = Number(process.env['MOBULA_SEEDS'] ?? 100);
const FIRST = Number(process.env['MOBULA_SEED'] ?? 1);

/** Five virtual seconds of faults, then a quiet time in which everything must settle. */
function history(seed: number): void {
  // In a quarter of the worlds peers are soon given up.
  const world = new SessionWorld(seed, 2 + (seed % 2), seed % 4 === 1 ? 800 : Number.POSITIVE_INFINITY);
  for (let turn = 0; turn < 300; turn += 1) world.in(turn * 17 + world.random.below(17), () => act(world, seed));
  world.run(300 * 17 + 1000);
  world.faults = false;
  world.run(100_000);
  for (const from of world.living) {
    for (const to of world.living) if (from !== to) check(world, from, to, `seed ${seed}: ${from.id} → ${to.id}`);
  }
}

function act(world: SessionWorld, seed: number): void {
  const { living, random } = world;
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)] as T;
  const from = pick(living);
  const to = pick(living.filter((node) => node !== from));
  const burst = random.below(10) === 0 ? 60 : 1 + random.below(4);
  for (let n = 0; n < burst; n += 1) {
    const size = random.below(20) === 0 ? 200_000 : random.below(500);
    world.send(from, to.id, size, random.below(4) === 0);
  }
  const dice = random.below(1000);
  // In a third of the worlds no link breaks: sessions end there, and processes.
  if (seed % 3 !== 0 && dice < 60) world.cut(random.below(3) === 0);
  else if (dice >= 60 && dice < 64) world.restart(from);
  else if (dice >= 64 && dice < 66) world.give(from, { type: 'end', peer: to.id, text: 'the owner ends it' });
  // Declared dead, and it lives: its peer must not hear it any more.
  else if (dice >= 66 && dice < 68) world.declareDead(from, to.id);
}

function check(world: SessionWorld, from: Node, to: Node, what: string): void {
  const [here, there] = [from.ended.get(to.id), to.ended.get(from.id)];
  const [delivered, accepted] = [to.delivered.get(from.id) ?? 0, from.accepted.get(to.id) ?? 0];
  for (const peer of from.sessions.live.keys()) {
    assert.ok(
      world.living.some(({ id }) => id === peer),
      `${what}: a session with a dead node lives`,
    );
  }
  if (here !== undefined || there !== undefined) {
    // One of them may never have heard of the other.
    const met = from.sessions.live.has(to.id) || to.sessions.live.has(from.id);
    assert.equal(met, false, `${what}: ended on one side: ${here} and ${there}`);
    assert.ok(delivered <= accepted, what);
    return;
  }
  assert.equal(delivered, accepted, `${what}: not all came`);
  assert.equal(from.sessions.live.get(to.id)?.unacknowledged.length ?? 0, 0, `${what}: not all is acknowledged`);
  const [held, numbered] = [from.held.get(to.id) ?? new Set(), from.numbered.get(to.id) ?? new Set()];
  assert.deepEqual(held, numbered, `${what}: not all is held`);
  assert.equal(from.waiting.has(to.id), false, `${what}: it was never told to go on`);
}

test(`whatever happens to the links, messages come once and in order, or both sides end the session (seeds ${FIRST} … ${FIRST + SEEDS - 1})`, () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) history(seed);
});

test('the histories had every fault in them', () => {
  if (SEEDS < 100) return;
  assert.deepEqual(
    Object.entries(happened).filter(([, count]) => count === 0),
    [],
  );
});
