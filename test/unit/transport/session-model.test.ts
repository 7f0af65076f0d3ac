import assert from 'node:assert/strict';
import { test } from 'node:test';
import { happened, SessionWorld } from './session-world.ts';

const SEEDS = Number(process.env['MOBULA_SEEDS'] ?? 400);
const FIRST = Number(process.env['MOBULA_SEED'] ?? 1);

/** Five virtual seconds of faults, then a quiet time in which everything must settle. */
function history(seed: number): void {
  const nodes = 2 + (seed % 2);
  const world = new SessionWorld(seed, nodes);
  const { random } = world;
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)] as T;
  /** Some worlds are rough, some only restart, some end sessions. */
  const rough = seed % 3 !== 0;
  for (let turn = 0; turn < 300; turn += 1) {
    world.in(turn * 17 + random.below(17), () => {
      const living = world.living;
      const from = pick(living);
      const to = pick(living.filter((node) => node !== from));
      const burst = random.below(10) === 0 ? 60 : 1 + random.below(4);
      for (let n = 0; n < burst; n += 1) {
        const size = random.below(20) === 0 ? 200_000 : random.below(500);
        world.send(from, to.id, size, random.below(4) === 0);
      }
      const dice = random.below(1000);
      if (rough && dice < 60) world.cut(random.below(3) === 0);
      else if (dice < 64) world.restart(from);
      else if (dice < 66) world.give(from, { type: 'end', peer: to.id, text: 'the owner ends it' });
      // Declared dead, and it lives: its peer must not hear it any more.
      else if (dice < 68) world.declareDead(from, to.id);
    });
  }
  world.run(300 * 17 + 1000);
  world.faults = false;
  world.run(200_000);

  for (const from of world.living) {
    for (const to of world.living) {
      if (from === to) continue;
      const what = `seed ${seed}: ${from.id} → ${to.id}`;
      const [here, there] = [from.ended.get(to.id), to.ended.get(from.id)];
      if (here !== undefined || there !== undefined) {
        // One of them may never have heard of the other.
        const met = from.sessions.live.has(to.id) || to.sessions.live.has(from.id);
        assert.equal(met, false, `${what}: ended on one side: ${here} and ${there}`);
        assert.ok((to.delivered.get(from.id) ?? 0) <= (from.accepted.get(to.id) ?? 0), what);
        continue;
      }
      assert.equal(to.delivered.get(from.id) ?? 0, from.accepted.get(to.id) ?? 0, `${what}: not all came`);
      const session = from.sessions.live.get(to.id);
      assert.equal(session?.unacknowledged.length ?? 0, 0, `${what}: not all is acknowledged`);
      assert.deepEqual(
        from.held.get(to.id) ?? new Set(),
        from.numbered.get(to.id) ?? new Set(),
        `${what}: not all is held`,
      );
      assert.equal(from.waiting.has(to.id), false, `${what}: it was never told to go on`);
    }
    for (const peer of from.sessions.live.keys()) {
      assert.ok(
        world.living.some(({ id }) => id === peer),
        `seed ${seed}: a session with a dead node lives`,
      );
    }
  }
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
