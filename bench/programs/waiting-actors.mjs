/** Actors that wait for what another holds: microseconds to make one, and to kill one. */
import { parameters, report } from '../lib/child.mjs';
import { get, init, kill, remote, shutdown } from '../lib/mobula.mjs';

const { actors } = parameters;
await init({ numCpus: 1, resources: { seat: 1 } });

const Sitter = remote(
  class Sitter {
    sit() {
      return 'sits';
    }
  },
).options({ numCpus: 0, resources: { seat: 1 } });

const first = Sitter.remote();
await get(first.sit.remote());

// The code is warm before the clock starts.
await Promise.all(Array.from({ length: 2_000 }, () => kill(Sitter.remote())));

let started = performance.now();
const waiting = Array.from({ length: actors }, () => Sitter.remote());
await new Promise((resolve) => setImmediate(resolve));
const create = (1000 * (performance.now() - started)) / actors;

started = performance.now();
await Promise.all(waiting.map((actor) => kill(actor)));
const drop = (1000 * (performance.now() - started)) / actors;
report({ create, drop });
await kill(first);
await shutdown();
