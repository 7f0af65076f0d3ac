/** Two builds of mobula measured by turns: what one run of each pair says, and how sure that is. */
import { median } from './stats.mjs';

const RESAMPLES = 2000;
/** What a row may lose before it counts as slower. */
export const SLOWER = 0.97;

/** A small random source with a seed, so that the same samples give the same interval. */
function randomSource(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * How many times as good `ours` is as `theirs`, run by run: the median of the ratios and its 95 % interval (bootstrap).
 * Above 1 is better, whatever the metric counts.
 *
 * @param higher Whether a higher value of the metric is better.
 */
export function compareTurns(ours, theirs, higher) {
  const pairs = Math.min(ours.length, theirs.length);
  const ratios = Array.from({ length: pairs }, (_, i) => (higher ? ours[i] / theirs[i] : theirs[i] / ours[i]));
  const random = randomSource(pairs);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(Array.from(ratios, () => ratios[Math.floor(random() * pairs)])),
  ).sort((a, b) => a - b);
  return {
    ratio: median(ratios),
    low: medians[Math.floor(RESAMPLES * 0.025)] ?? Number.NaN,
    high: medians[Math.floor(RESAMPLES * 0.975)] ?? Number.NaN,
    pairs,
  };
}

/** Whether the whole interval says slower, and that of a build against itself does not: noise would show there, too. */
export function isSlower(change, itself) {
  return change.high < SLOWER && !(itself.high < SLOWER);
}
