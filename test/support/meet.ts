/** Returns once two threads are in it, each with the same `there`. */
export function meet(there: Int32Array): void {
  for (Atomics.add(there, 0, 1); Atomics.load(there, 0) < 2; ) Atomics.wait(there, 0, 1, 5);
}
