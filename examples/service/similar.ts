import { remote } from 'mobula';
import { DIMENSIONS } from './catalogue.ts';

/** An item, and how near it is to the one asked for: higher is nearer. */
export interface Match {
  readonly id: number;
  readonly score: number;
}

function score(catalogue: Float32Array, left: number, right: number): number {
  let sum = 0;
  const from = left * DIMENSIONS;
  const shift = (right - left) * DIMENSIONS;
  for (let i = from; i < from + DIMENSIONS; i++) sum += (catalogue[i] ?? 0) * (catalogue[i + shift] ?? 0);
  return sum;
}

/** A task: compares one item with all others. The catalogue comes as a ref, and is read in shared memory. */
export const similarTo = remote(
  (catalogue: Float32Array, id: number, count: number): Match[] => {
    const best: Match[] = [];
    for (let other = 0; other < catalogue.length / DIMENSIONS; other++) {
      if (other === id) continue;
      const match = { id: other, score: score(catalogue, id, other) };
      if (best.length === count && match.score <= (best.at(-1)?.score ?? 0)) continue;
      best.push(match);
      best.sort((a, b) => b.score - a.score);
      best.length = Math.min(best.length, count);
    }
    return best;
  },
  { name: 'similarTo' },
);
