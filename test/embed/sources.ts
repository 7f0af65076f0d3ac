import { createHash } from 'node:crypto';

/** A small application: tasks that use imports, constants, helpers and one another, an actor, a generator and a shared array. */
export const sources: Readonly<Record<string, string>> = {
  'src/main.js': `
import { createHash } from 'node:crypto';
import { get, put, remote, shutdown } from 'mobula';
import { Counter } from './counter.js';
import { double, LIMIT } from './numbers.js';

const algorithm = 'sha256';
const digest = (text) => createHash(algorithm).update(text).digest('hex').slice(0, 8);

const hash = remote((text) => digest(text));
const sum = remote((numbers, from) => numbers.subarray(from, from + LIMIT).reduce((a, b) => a + double(b), 0));
const fib = remote(async (n) => {
  if (n < 2) return n;
  const [a, b] = await get([fib.remote(n - 1), fib.remote(n - 2)]);
  return a + b;
});
const squares = remote(function* (n) {
  for (let i = 0; i < n; i++) yield i * i;
});
const fail = remote(() => {
  throw new RangeError('too far');
}, { name: 'fail' });

const numbers = put(new Float64Array(100_000).fill(1));
const counter = remote(Counter).remote(10);
const listed = [];
for await (const ref of squares.remote(4)) listed.push(await get(ref));
console.log(
  JSON.stringify({
    hash: await get(hash.remote('mobula')),
    sum: await get(sum.remote(numbers, 5)),
    fib: await get(fib.remote(6)),
    squares: listed,
    counter: await get(counter.add.remote(5)),
    error: await get(fail.remote()).catch((error) => [error.name, error instanceof RangeError, error.taskName]),
  }),
);
await shutdown();
`,
  'src/counter.js': `
import { double } from './numbers.js';

export class Counter {
  #n;
  constructor(start) {
    this.#n = start;
  }
  add(by) {
    this.#n += double(by);
    return this.#n;
  }
}
`,
  'src/numbers.js': `
export const LIMIT = 1000;
export const double = (x) => x * 2;
`,
};

/** What it prints. */
export const expected: object = {
  hash: createHash('sha256').update('mobula').digest('hex').slice(0, 8),
  sum: 2000,
  fib: 8,
  squares: [0, 1, 4, 9],
  counter: 20,
  error: ['TaskError', true, 'fail'],
};
