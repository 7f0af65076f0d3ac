import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `test` gives true; after `limitMs` it throws what `explain` says. */
export async function until(
  test: () => boolean | Promise<boolean>,
  explain: () => string = () => 'it did not come true',
  limitMs = 10_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await test())) {
    if (performance.now() > end) throw new Error(`after ${limitMs} ms: ${explain()}`);
    await sleep(5);
  }
}
