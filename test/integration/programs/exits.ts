// A program that never calls shutdown(). The argument says what it leaves behind.
import { get, init, put, remote } from 'mobula';

const [mode] = process.argv.slice(2);
const spill = process.env['MOBULA_TEST_SPILL'];
if (mode !== 'auto') await init({ numCpus: 2, objectStoreMemory: '16MiB', ...(spill && { spillDirectory: spill }) });

const add = remote((a: number, b: number) => a + b);
const Idle = remote(
  class {
    poke(): string {
      return 'poked';
    }
  },
);
const spins = new Int32Array(new SharedArrayBuffer(4));
const sleep = remote((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)), { numCpus: 0.1 });

/** More than the store holds, so that some of it is on disk. */
function spillSome(): unknown[] {
  return Array.from({ length: 8 }, (_, i) => put(new Uint8Array(4 * 2 ** 20).fill(i)));
}

switch (mode) {
  case 'auto':
    console.log(await get(add.remote(1, 2)));
    break;
  case 'nothing':
    console.log('up');
    break;
  case 'actors': {
    const actors = [
      Idle.remote(),
      Idle.options({ isolation: 'thread' }).remote(),
      Idle.options({ lifetime: 'detached', name: 'd' }).remote(),
    ];
    console.log(await get(actors.map((actor) => actor.poke.remote())));
    break;
  }
  case 'unawaited':
    for (let i = 0; i < 100; i++) add.remote(i, i);
    sleep.remote(60_000);
    console.log('leaving');
    break;
  case 'leftovers':
    // Timers of a task keep no finished program alive.
    await get(remote(() => void setInterval(() => undefined, 10)).remote());
    console.log('leaving');
    break;
  case 'then':
    void get(sleep.remote(50)).then(() => console.log('slept'));
    break;
  case 'exit':
    Reflect.set(globalThis, 'kept', spillSome());
    sleep.remote(60_000);
    await get(add.remote(1, 2));
    console.log('ready');
    process.exit(7);
    break;
  case 'throw':
    Reflect.set(globalThis, 'kept', spillSome());
    sleep.remote(60_000);
    console.log('ready');
    throw new Error('thrown at the top');
  case 'spin':
    remote((begun: Int32Array) => {
      Atomics.store(begun, 0, 1);
      for (;;);
    }).remote(spins);
    // A background task on the same thread would wait for ever, so the other one begins on a thread that is free.
    while (Atomics.load(spins, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await get(sleep.remote(50));
    console.log('leaving');
    break;
  case 'wait':
    Reflect.set(globalThis, 'kept', spillSome());
    sleep.remote(600_000);
    await get(add.remote(1, 2));
    console.log('ready');
    setInterval(() => undefined, 1000);
    break;
  default:
    throw new Error(`no mode ${String(mode)}`);
}
