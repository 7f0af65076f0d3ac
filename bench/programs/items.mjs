/** Many items in one operation against as many items in operations of 100: items per second of both. */
import { check, parameters, report } from '../lib/child.mjs';
import { get, init, put, remote, shutdown } from '../lib/mobula.mjs';
import { median } from '../lib/stats.mjs';

const SMALL = 100;
const { kind, items, rounds, workers } = parameters;
await init({ numCpus: workers });

const countArguments = remote(function countArguments(...values) {
  return values.length;
});

const makeSeveral = remote(function makeSeveral(count) {
  return Array.from({ length: count }, (_, n) => n);
});

/** For each kind: what is prepared before the clock starts, and one operation over `size` items. */
const KINDS = {
  arguments: {
    prepare: () => Array.from({ length: items }, (_, n) => put(n)),
    async operate(refs, from, size) {
      const count = await get(countArguments.remote(...refs.slice(from, from + size)));
      check(count === size, `${count} arguments came`);
    },
  },
  get: {
    prepare: () => Array.from({ length: items }, (_, n) => put({ n })),
    async operate(refs, from, size) {
      const values = await get(refs.slice(from, from + size));
      check(values.length === size && values[size - 1].n === from + size - 1, 'the objects are not those asked for');
    },
  },
  returns: {
    prepare: () => [],
    async operate(_refs, _from, size) {
      const values = await get(makeSeveral.options({ numReturns: size }).remote(size));
      check(values.length === size && values[size - 1] === size - 1, `${values.length} values came`);
    },
  },
};

const { prepare, operate } = KINDS[kind];

async function timeItems(size) {
  const prepared = prepare();
  const started = performance.now();
  for (let from = 0; from < items; from += size) await operate(prepared, from, size);
  return performance.now() - started;
}

const times = { small: [], large: [] };
for (let round = -3; round < rounds; round += 1) {
  const small = await timeItems(SMALL);
  const large = await timeItems(items);
  if (round < 0) continue;
  times.small.push(small);
  times.large.push(large);
}
report({ small: (1000 * items) / median(times.small), large: (1000 * items) / median(times.large) });
await shutdown();
