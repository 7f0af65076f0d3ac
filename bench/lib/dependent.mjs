import { check } from './child.mjs';

/** Runs tasks, each with the result of the one before as its argument. `next` adds 1. Gives µs a task. */
export async function timeChain(get, next, count) {
  let last = next.remote(0);
  const began = performance.now();
  for (let n = 1; n < count; n += 1) last = next.remote(last);
  check((await get(last)) === count, 'the chain is broken');
  return (1000 * (performance.now() - began)) / count;
}
