/** What the measured tasks do, the same for mobula and for every rival. */

/** Nothing. */
export function noop() {}

const ok = Uint8Array.of(0x6f, 0x6b);

/** What the tasks and actors of Ray's microbenchmark return: b"ok". */
export function smallValue() {
  return ok;
}

/** What a put is by hand: a copy of a new array of zeros in shared memory, `times` times, each dropped. */
export function fillShared({ length, times }) {
  for (let i = 0; i < times; i += 1) copyToShared(new BigInt64Array(length));
}

/** A copy of an array in shared memory. */
export function copyToShared(array) {
  const copy = new BigInt64Array(new SharedArrayBuffer(array.byteLength));
  copy.set(array);
  return copy;
}

/** Takes an object of five fields and gives back a new one. */
export function object({ id, name, x, y, active }) {
  return { id, name, x: y, y: x, active: !active };
}

/** The n-th argument for `object`. */
export function makeObject(n) {
  return { id: n, name: 'manta', x: 1.5, y: n + 0.25, active: true };
}

/** Adds up every `step`-th number. */
export function sum(numbers, step) {
  let total = 0;
  for (let index = 0; index < numbers.length; index += step) total += numbers[index];
  return total;
}

/** The same over shared memory; what crosses to a bare worker is the SharedArrayBuffer. */
export function sumShared({ shared, step }) {
  return sum(new Float64Array(shared), step);
}

/** A new array of `length` numbers, the first of which is the time (in nanoseconds) at which it was finished. */
export function makeLarge(length) {
  return stamp(new Float64Array(length));
}

/** Fills an array, then writes the time into its first element. */
export function stamp(numbers) {
  numbers.fill(1);
  numbers[0] = Number(process.hrtime.bigint());
  return numbers;
}

/** The object that lives in a worker. */
export class Counter {
  value = 0;

  inc() {
    this.value += 1;
    return this.value;
  }
}

/** The functions by name, for workers that are told which one to run. */
export const BODIES = { noop, smallValue, object, sumShared, makeLarge };
