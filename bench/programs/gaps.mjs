/** An array with gaps through `put` and `get`, and through structuredClone, in milliseconds. */
import { check, parameters, report } from '../lib/child.mjs';
import { get, init, put, shutdown } from '../lib/mobula.mjs';
import { median, timed } from '../lib/stats.mjs';

const { entries, step, rounds } = parameters;
await init({ numCpus: 1 });
const sent = [];
for (let n = 0; n < entries; n += 1) sent[n * step] = n;

function verify(copy) {
  const keys = Object.keys(copy);
  const last = (entries - 1) * step;
  check(keys.length === entries && copy.length === last + 1 && copy[last] === entries - 1, 'the array is another');
}

const times = { put: [], get: [], clone: [] };
for (let round = -2; round < rounds; round += 1) {
  let copy;
  const clone = timed(() => {
    copy = structuredClone(sent);
  });
  verify(copy);
  let ref;
  const putting = timed(() => {
    ref = put(sent);
  });
  const started = performance.now();
  copy = await get(ref);
  const getting = performance.now() - started;
  verify(copy);
  ref[Symbol.dispose]();
  if (round < 0) continue;
  times.put.push(putting);
  times.get.push(getting);
  times.clone.push(clone);
}
report({ put: median(times.put), get: median(times.get), clone: median(times.clone) });
await shutdown();
