/** Tasks that each call an actor of their own, all at the same time. */
import { Counter } from '../compare/bodies.mjs';
import { check, parameters, report } from '../lib/child.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';
import { median } from '../lib/stats.mjs';

const { pairs, rounds, outstanding, repeats } = parameters;
await init({ numCpus: pairs });

const callActor = remote(async function callActor(actor, rounds, outstanding) {
  let last = 0;
  for (let round = 0; round < rounds; round += 1) {
    const refs = Array.from({ length: outstanding }, () => actor.inc.remote());
    const values = await Promise.all(refs.map((ref) => get(ref)));
    last = values.at(-1);
  }
  return last;
});

// The actors take no CPU from the callers: on two cores, both callers must be able to run.
const actors = Array.from({ length: pairs }, () => remote(Counter).options({ numCpus: 0 }).remote());

async function timeAll(rounds) {
  const started = performance.now();
  const totals = await get(actors.map((actor) => callActor.remote(actor, rounds, outstanding)));
  const milliseconds = performance.now() - started;
  check(
    totals.every((total) => total % outstanding === 0 && total > 0),
    `actors counted ${totals}`,
  );
  return milliseconds;
}

await timeAll(rounds);
const times = [];
for (let repeat = 0; repeat < repeats; repeat += 1) times.push(await timeAll(rounds));
report({ rate: (1000 * pairs * rounds * outstanding) / median(times) });
await shutdown();
