// The functions and classes that the fault sweep runs.
import { allocate, cancel, context, get, type ObjectRef, put, remote } from 'mobula';

/** Bytes of a large value: twelve of them fill the store of the sweep. */
export const LARGE = 2 ** 21;

/** The sum of what `block(fill)` holds. */
export const sumOf = (fill: number): number => fill * LARGE;
export const block = (fill: number): Uint8Array => new Uint8Array(LARGE).fill(fill);

const retried = { maxRetries: 20 };

export const double = remote((n: number) => 2 * n, retried);
export const spin = remote((ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return ms;
}, retried);
export const later = remote(async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return n + 1;
}, retried);
/** The same, for `fan` alone: what the scheduler does not know yet it shares. */
const turn = remote((ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
}, retried);
export const fan = remote(async (n: number, ms: number) => {
  const parts = await get(Array.from({ length: n }, () => turn.remote(ms)));
  return parts.length;
}, retried);
const mark = remote((run: Int32Array) => {
  Atomics.store(run, 0, 1);
  Atomics.notify(run, 0);
}, retried);
/** Blocks its thread until another has run one of the tasks that it keeps in store. */
export const share = remote(async (run: Int32Array) => {
  const parts = Array.from({ length: 8 }, () => mark.remote(run));
  Atomics.wait(run, 0, 0);
  return (await get(parts)).length;
}, retried);
export const fail = remote((n: number): number => {
  throw new RangeError(`on purpose ${n}`);
});
export const make = remote((fill: number) => new Uint8Array(2 ** 21).fill(fill), retried);
export const sum = remote((bytes: Uint8Array) => bytes.reduce((total, byte) => total + byte, 0), retried);
export const inPlace = remote((fill: number) => {
  const bytes = allocate(Uint8Array, 2 ** 21);
  bytes.fill(fill);
  return bytes;
}, retried);
export const pass = remote((box: { ref: ObjectRef<Uint8Array> }) => box, retried);

/** Dies with a view and an unsealed object the first time, and gives the attempt it ends in. */
export const dieOnce = remote((view: Uint8Array, attempts: Int32Array) => {
  const open = allocate(Uint8Array, 2 ** 20);
  open.fill(view[0] ?? 0);
  if (Atomics.add(attempts, 0, 1) === 0) process.exit(3);
  return open[0] === view[0];
}, retried);

/** Ends when it is cancelled: one that did not look at its signal would keep its share of a CPU for ever. */
export const hang = remote(
  async (begun: Int32Array) => {
    const { signal } = context();
    Atomics.add(begun, 0, 1);
    await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  },
  { maxRetries: 20, numCpus: 0.1 },
);

export const count = remote(function* (to: number) {
  for (let i = 0; i < to; i++) yield i;
}, retried);

export const Counter = remote(
  class {
    #count = 0;
    add(by: number): number {
      this.#count += by;
      return this.#count;
    }
    async slow(): Promise<number> {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return this.#count;
    }
    dieOnce(attempts: Int32Array): string {
      if (Atomics.add(attempts, 0, 1) === 0) process.exit(1);
      return 'lived';
    }
  },
  { maxRestarts: 20, maxTaskRetries: 20, numCpus: 0 },
);
export const Unmakeable = remote(
  class {
    constructor() {
      throw new TypeError('cannot be made');
    }
    call(): void {}
  },
);

/** Does in a worker what else only the driver does: makes actors, waits for arguments, stores, cancels. */
export const inside = remote(async (n: number) => {
  const counter = Counter.remote();
  const sums = [0, 1, 2].map((i) => counter.add.remote(later.remote(i)));
  const urgent = double.options({ priority: 2 }).remote(later.remote(n));
  const stored = sum.remote(put(new Uint8Array(2 ** 21).fill(1)));
  const begun = new Int32Array(new SharedArrayBuffer(4));
  // Whoever runs this may die before the cancel: then only time ends what it has begun.
  const hung = hang.options({ timeoutMs: 3000 }).remote(begun);
  const waiting = double.remote(hung as unknown as ObjectRef<number>);
  await cancel(hung);
  const refused = await get(waiting).then(
    () => 'no',
    (error: unknown) => (error as Error).name,
  );
  return [(await get(sums)).length, await get(urgent), await get(stored), refused];
}, retried);
