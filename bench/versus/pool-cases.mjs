/** Those of Ray's cases that a pool has: functions, called from the main thread. */
import { availableParallelism } from 'node:os';
import { POOLS } from '../compare/pools.mjs';

const BATCH = 1000;
const CORES = availableParallelism();

function tasks(name, makeOperation, multiplier) {
  return {
    multiplier,
    async open() {
      const { call, close } = await POOLS[name](CORES, 'smallValue');
      return { operation: makeOperation(call), close };
    },
  };
}

const batchOf = (call) => () => Promise.all(Array.from({ length: BATCH }, () => call()));

/** A pool's cases, by Ray's names. */
function casesOf(name) {
  return {
    'single client tasks and get batch': tasks(name, batchOf, 1),
    'single client tasks sync': { ...tasks(name, (call) => () => call(), 1), roundTrip: true },
    'single client tasks async': tasks(name, batchOf, BATCH),
  };
}

export const poolCases = Object.fromEntries(Object.keys(POOLS).map((name) => [name, casesOf(name)]));
