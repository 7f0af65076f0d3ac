/** What the table and the page make of the results. */
import { BARE, MOBULA, POOL_NAMES, RAY } from './systems.mjs';

/** How many times Ray's rate every case should reach. */
export const ASKED = 10;

/** Why a case does not, where that is known. */
const REASONS = {
  'single client put gigabytes': 'all there is to do is to copy 800 MiB into shared memory',
  'multi client put gigabytes':
    "what is put is a new array of zeros each time: making it, copying it and giving its memory back is the system's work, the same for both",
};

const rateOf = (systems, name) => systems[name]?.rate?.mean;

/** The pool with the highest rate: `{ name, rate }`, or undefined. */
export function bestPool(systems) {
  return POOL_NAMES.flatMap((name) => {
    const rate = rateOf(systems, name);
    return rate === undefined ? [] : [{ name, rate }];
  }).sort((a, b) => b.rate - a.rate)[0];
}

/** mobula's rate over another's; undefined where one of them has none. */
function over(systems, rate) {
  const own = rateOf(systems, MOBULA);
  return own === undefined || rate === undefined ? undefined : own / rate;
}

/** `{ ray, bare, pool }`: how many times as fast mobula is. */
export function ratios(systems) {
  return {
    ray: over(systems, rateOf(systems, RAY)),
    bare: over(systems, rateOf(systems, BARE)),
    pool: over(systems, bestPool(systems)?.rate),
  };
}

/** The cases that stay below what is asked, each with its reason if it is known. */
export function shortfalls(cases) {
  return cases.flatMap(({ name, systems }) => {
    const { ray } = ratios(systems);
    return ray === undefined || ray >= ASKED ? [] : [{ name, ratio: ray, reason: REASONS[name] }];
  });
}

/** Everything that went wrong: `{ name, system, problem }`. */
export function problems(cases) {
  return cases.flatMap(({ name, systems }) =>
    Object.entries(systems).flatMap(([system, { problem }]) =>
      problem === undefined ? [] : [{ name, system, problem }],
    ),
  );
}
