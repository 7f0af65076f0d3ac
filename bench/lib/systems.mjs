/** Opens any measured system as `{ call(value), runMany(count), close() }`. */
import { BareWorkers } from '../compare/bare.mjs';
import { BODIES, Counter, makeObject } from '../compare/bodies.mjs';
import { POOLS } from '../compare/pools.mjs';
import { check } from './child.mjs';

const ARGUMENTS = { noop: () => undefined, object: makeObject };

/** `body` is 'noop' or 'object'; systems with an actor call its method and have no body. */
export async function openSystem({ system, workers, body }) {
  const makeArgument = ARGUMENTS[body];
  if (system === 'mobula') return openMobula(workers, body, makeArgument);
  if (system === 'mobula actor') return openMobulaActor(workers);
  const { call, close } = await openRival(system, workers, body);
  return {
    call,
    close,
    async runMany(count) {
      const values = await Promise.all(Array.from({ length: count }, (_, n) => call(makeArgument?.(n))));
      checkValues(values, system, body);
    },
  };
}

async function openRival(system, workers, body) {
  if (system === 'bare') return openBare(new BareWorkers(workers, { body }));
  if (system === 'bare object') {
    const file = new URL('../compare/bare-object.mjs', import.meta.url);
    const { call, close } = openBare(new BareWorkers(1, {}, file));
    return { call: () => call('inc'), close };
  }
  return POOLS[system](workers, body);
}

function openBare(bare) {
  return { call: (value) => bare.call(value), close: () => bare.close() };
}

async function openMobula(workers, body, makeArgument) {
  const { get, init, remote, shutdown } = await import('./mobula.mjs');
  await init({ numCpus: workers });
  const task = remote(BODIES[body]);
  // A task without parameters is called without arguments.
  const submit = body === 'noop' ? () => task.remote() : (n) => task.remote(makeArgument(n));
  return {
    call: (n) => get(submit(n)),
    close: shutdown,
    async runMany(count) {
      const refs = Array.from({ length: count }, (_, n) => submit(n));
      const values = await Promise.all(refs.map((ref) => get(ref)));
      checkValues(values, 'mobula', body);
    },
  };
}

async function openMobulaActor(workers) {
  const { get, init, remote, shutdown } = await import('./mobula.mjs');
  await init({ numCpus: workers });
  const counter = remote(Counter).remote();
  return {
    call: () => get(counter.inc.remote()),
    close: shutdown,
    async runMany(count) {
      const refs = Array.from({ length: count }, () => counter.inc.remote());
      const values = await Promise.all(refs.map((ref) => get(ref)));
      checkValues(values, 'mobula actor', undefined);
    },
  };
}

function checkValues(values, system, body) {
  for (const n of [0, values.length >> 1, values.length - 1]) {
    if (body === 'noop') check(values[n] === undefined, `${system}: task ${n} returned ${values[n]}`);
    else if (body === 'object') check(values[n].id === n && values[n].x === n + 0.25, `${system}: object ${n}`);
    else check(values[n] === values[0] + n, `${system}: call ${n} was answered ${values[n]} after ${values[0]}`);
  }
}
