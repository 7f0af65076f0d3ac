/**
 * What a service does that makes a remote function for each request: milliseconds for one, made, called and awaited, and by how
 * much resident memory grows. Beside it a script of the same text, compiled and run by hand.
 */
import { Script } from 'node:vm';
import { check, parameters, report } from '../lib/child.mjs';
import { physicalBytes, settle } from '../lib/memory.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';

const { kind, count } = parameters;
/** As many requests are under way at a time. */
const AT_ONCE = 10;
const SAMPLE = 1000;

await init({ numCpus: 2 });

const base = remote(function base(x) {
  return x + 1;
});
const closure = (by) => remote((x) => x + by);
const sourceOf = (i) => `return x + ${i};`;
const actorOf = (by) =>
  remote(
    class Adder {
      add(x) {
        return x + by;
      }
    },
    { numCpus: 0 },
  );

/** Each gives a ref of `i + 1`. */
const kinds = {
  closures: (i) => closure(i).remote(1),
  sources: (i) => remote(new Function('x', sourceOf(i))).remote(1),
  options: (i) => base.options({ name: `option ${i}` }).remote(i),
  actors: (i) => actorOf(i).remote().add.remote(1),
};

let peak = 0;

async function run(from, to) {
  for (let i = from; i < to; i += AT_ONCE) {
    const values = await Promise.all(Array.from({ length: AT_ONCE }, (_, j) => get(kinds[kind](i + j))));
    values.forEach((value, j) => {
      check(value === i + j + 1, `${kind} ${i + j}: ${value}`);
    });
    if (i % SAMPLE === 0) peak = Math.max(peak, physicalBytes());
  }
  peak = Math.max(peak, physicalBytes());
}

/** Milliseconds to compile and run a script that has not been seen before. */
function byHand(scripts) {
  const began = performance.now();
  for (let i = 0; i < scripts; i++) {
    const made = new Script(`(function (x) { ${sourceOf(`${i} + ${Math.random()}`)} })`).runInThisContext();
    check(made(1) >= i, 'by hand');
  }
  return (performance.now() - began) / scripts;
}

// What is loaded once, and what V8 takes for good measure.
const warm = Math.min(count, 2000);
await run(0, warm);
await settle();
const before = physicalBytes();
peak = before;
const began = performance.now();
await run(warm, warm + count);
const ms = (performance.now() - began) / count;
await settle();
const mib = (bytes) => (bytes - before) / 2 ** 20;
const grown = mib(physicalBytes());
byHand(1000);
report({ ms, grownMib: grown, peakMib: mib(peak), handMs: byHand(1000) });
await shutdown();
