/** Measures one of Ray's cases on bare threads or on a pool, by the harness that measures mobula; run by `bench/compare.mjs`. */
import { quickHarness, rayHarness, timeEach, timeit } from '../../dist/bin/microbenchmark/harness.js';
import { parameters, report } from '../lib/child.mjs';
import { bareCases } from './bare-cases.mjs';
import { poolCases } from './pool-cases.mjs';

const { system, name, quick } = parameters;
const { multiplier, roundTrip, open } = (system === 'worker_threads' ? bareCases : poolCases[system])[name];
const harness = quick ? quickHarness : rayHarness;

const { operation, close } = await open();
const rate = await timeit(operation, multiplier, harness);
report({ name, rate, ...(roundTrip ? { roundTrips: await timeEach(operation, harness) } : {}) });
await close();
