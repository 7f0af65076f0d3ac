import { parentPort, workerData } from 'node:worker_threads';
import { Caller, serve } from './bare-calls.mjs';
import { fillShared, smallValue } from './bodies.mjs';

/** An object in a worker: it serves whoever started it and `served`, and calls the objects behind `called`. */
const { served, called } = workerData;
const servers = called.map((port) => new Caller(port));

const target = {
  smallValue,
  smallValueLater: async () => smallValue(),
  putLarge: fillShared,

  /** Calls every server `n` times. */
  batch: (n) => Promise.all(servers.flatMap((server) => Array.from({ length: n }, () => server.call('smallValue')))),

  /** Makes `n` calls, to the servers in turn. */
  work: ([n, method]) => Promise.all(Array.from({ length: n }, (_, i) => servers[i % servers.length].call(method, 0))),
};

serve(parentPort, target);
for (const port of served) serve(port, target);
