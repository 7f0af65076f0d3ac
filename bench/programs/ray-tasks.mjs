/** Ray's own tasks on this machine, by its own microbenchmark: many outstanding, and one at a time. */
import { check, report } from '../lib/child.mjs';
import { measureRay, prepareRay } from '../versus/ray.mjs';

const problem = await prepareRay();
check(problem === undefined, `Ray is left out: ${problem}`);

async function measure(name) {
  const { result, problem } = await measureRay(name, false);
  check(result !== undefined, `${name}: ${problem}`);
  return result;
}

const many = await measure('single client tasks async');
const single = await measure('single client tasks sync');
report({ rate: many.rate.mean, p50: single.roundTrips.p50, p99: single.roundTrips.p99 });
