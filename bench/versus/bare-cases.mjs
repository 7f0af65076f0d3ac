/** Ray's cases by hand, with `node:worker_threads` alone. Cases that need an object store are not here. */
import { availableParallelism } from 'node:os';
import { MessageChannel, Worker } from 'node:worker_threads';
import { BareWorkers } from '../compare/bare.mjs';
import { Caller } from '../compare/bare-calls.mjs';
import { copyToShared } from '../compare/bodies.mjs';

const CORES = availableParallelism();
const SERVERS = Math.max(1, Math.floor(CORES / 2));
const BATCH = 1000;
const CLIENTS = 4;

const file = new URL('../compare/bare-actor.mjs', import.meta.url);

/** Starts a worker that serves and calls over these ports. */
function start(served = [], called = []) {
  const worker = new Worker(file, { workerData: { served, called }, transferList: [...served, ...called] });
  const caller = new Caller(worker);
  return { call: (method, value) => caller.call(method, value), close: () => worker.terminate() };
}

/** `clients` workers, each of which calls each of `servers` workers. */
function startNet(clients, servers) {
  const channels = Array.from({ length: clients }, () => Array.from({ length: servers }, () => new MessageChannel()));
  const callees = Array.from({ length: servers }, (_, s) => start(channels.map((row) => row[s].port1)));
  const callers = channels.map((row) =>
    start(
      [],
      row.map(({ port2 }) => port2),
    ),
  );
  return { callers, close: () => Promise.all([...callers, ...callees].map((each) => each.close())) };
}

const batchOf = (call) => () => Promise.all(Array.from({ length: BATCH }, (_, i) => call(i)));

/** A case of tasks: functions on all workers, round robin. */
function tasks(makeOperation, multiplier) {
  return {
    multiplier,
    open() {
      const workers = new BareWorkers(CORES, { body: 'smallValue' });
      return { operation: makeOperation(() => workers.call(undefined)), close: () => workers.close() };
    },
  };
}

/** A case of one object. */
function object(makeOperation, multiplier) {
  return {
    multiplier,
    open() {
      const actor = start();
      return { operation: makeOperation(actor.call), close: actor.close };
    },
  };
}

/** A case of several workers that call several: all callers are told to do the same at once. */
function net(clients, servers, method, value, multiplier) {
  return {
    multiplier,
    open() {
      const { callers, close } = startNet(clients, servers);
      return { operation: () => Promise.all(callers.map((caller) => caller.call(method, value))), close };
    },
  };
}

const WORKING = Math.min(CLIENTS, CORES);
const CALLS_OF_WORK = (CLIENTS * 5000) / WORKING;

export const bareCases = {
  'single client put gigabytes': {
    multiplier: 8 * 0.1,
    open() {
      const array = new BigInt64Array(100 * 1024 * 1024);
      return {
        operation: () => {
          copyToShared(array);
          return undefined;
        },
        close: () => undefined,
      };
    },
  },
  'multi client put gigabytes': {
    multiplier: 10 * 8 * 0.1,
    open() {
      const workers = Array.from({ length: CORES }, () => start());
      const task = { length: 10 * 1024 * 1024, times: 10 };
      return {
        operation: () =>
          Promise.all(Array.from({ length: 10 }, (_, i) => workers[i % workers.length].call('putLarge', task))),
        close: () => Promise.all(workers.map((worker) => worker.close())),
      };
    },
  },
  'single client tasks and get batch': tasks(batchOf, 1),
  'single client tasks sync': { ...tasks((call) => call, 1), roundTrip: true },
  'single client tasks async': tasks(batchOf, BATCH),
  'multi client tasks async': net(CLIENTS, CORES, 'work', [10_000, 'smallValue'], CLIENTS * 10_000),
  '1:1 actor calls sync': { ...object((call) => () => call('smallValue'), 1), roundTrip: true },
  '1:1 actor calls async': object((call) => batchOf(() => call('smallValue')), BATCH),
  '1:1 actor calls concurrent': object((call) => batchOf(() => call('smallValue')), BATCH),
  '1:n actor calls async': net(1, SERVERS, 'batch', 5000, 5000 * SERVERS),
  'n:n actor calls async': net(WORKING, SERVERS, 'work', [CALLS_OF_WORK, 'smallValue'], CLIENTS * 5000),
  '1:1 async-actor calls sync': { ...object((call) => () => call('smallValueLater'), 1), roundTrip: true },
  '1:1 async-actor calls async': object((call) => batchOf(() => call('smallValueLater')), BATCH),
  '1:1 async-actor calls with args async': object((call) => batchOf((i) => call('smallValueLater', i)), BATCH),
  '1:n async-actor calls async': net(1, SERVERS, 'work', [5000 * SERVERS, 'smallValueLater'], 5000 * SERVERS),
  'n:n async-actor calls async': net(WORKING, SERVERS, 'work', [CALLS_OF_WORK, 'smallValueLater'], CLIENTS * 5000),
};
