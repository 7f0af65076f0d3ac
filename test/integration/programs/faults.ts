// A program that meets a fault which a test must not meet in its own process. The argument says which; it prints what the
// user sees.
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { get, init, MobulaError, type ObjectRef, put, remote, shutdown, TaskError } from 'mobula';

const [mode = '', argument = ''] = process.argv.slice(2);
const spillDirectory = process.env['MOBULA_TEST_SPILL'];
const MIB = 2 ** 20;
const block = (fill: number, mebibytes = 4): Uint8Array => new Uint8Array(mebibytes * MIB).fill(fill);
const double = remote((n: number) => n * 2);
const told = (error: unknown): string => (error instanceof MobulaError ? error.code : String(error));

async function start(objectStoreMemory: `${number}MiB`, folder = spillDirectory): Promise<void> {
  await init({ numCpus: 2, objectStoreMemory, ...(folder && { spillDirectory: folder }) });
}

/** Puts blocks until `count` are there or one is refused; gives the refs and what was refused. */
function putMany(count: number, mebibytes = 4): [refs: ObjectRef<Uint8Array>[], refusal: string] {
  const refs: ObjectRef<Uint8Array>[] = [];
  try {
    for (let i = 0; i < count; i++) refs.push(put(block(i % 256, mebibytes)));
  } catch (error) {
    return [refs, told(error)];
  }
  return [refs, 'none'];
}

/** How many of the blocks come back, each byte as it was. */
async function readBack(refs: readonly ObjectRef<Uint8Array>[]): Promise<number> {
  const same = remote((bytes: Uint8Array, fill: number) => bytes.every((byte) => byte === fill));
  let right = 0;
  for (const [i, ref] of refs.entries()) if (await get(same.remote(ref, i % 256))) right++;
  return right;
}

const modes: Record<string, () => Promise<void>> = {
  /** Objects without end: V8 finds the heap full in time. */
  async heap() {
    await start('32MiB');
    const fill = remote(() => {
      let list: unknown;
      for (;;) list = { list, more: [1, 2, 3] };
    });
    const neighbours = Array.from({ length: 10 }, (_, i) => double.remote(i));
    console.log(await get(fill.options({ maxRetries: 0 }).remote()).then(String, (error: Error) => error.message));
    console.log(String(await get(neighbours)));
    console.log(await get(double.options({ numCpus: 2 }).remote(4)));
  },
  /** One array larger than the heap: V8 ends the process. */
  async array() {
    await start('32MiB');
    Reflect.set(globalThis, 'kept', putMany(12)[0]);
    const fill = remote(() => {
      const all = new Array(1e8);
      for (let i = 0; i < all.length; i++) all[i] = { i };
      return all.length;
    });
    console.log('begins');
    console.log(await get(fill.options({ maxRetries: 0 }).remote()).then(String, told));
  },
  async late() {
    await start('32MiB');
    const throws = remote(() => {
      setTimeout(() => {
        throw new Error('thrown too late');
      }, 1);
      return 'returned';
    });
    const rejects = remote(() => void Promise.reject(new Error('nobody handles this')));
    const running = remote(async () => {
      void Promise.reject(new Error('while it runs'));
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });
    console.log(await get(throws.remote()), await get(rejects.remote()));
    console.log(await get(running.remote()).then(String, (error: Error) => error.message));
    // The timer fires meanwhile, in the thread that is asked next.
    for (let i = 0; i < 20; i++) await get(Array.from({ length: 4 }, () => pause.remote(5)));
  },
  /** More than the disk takes. */
  async disk() {
    await start('16MiB', argument);
    const [refs, refusal] = putMany(12);
    console.log(refusal, refs.length >= 4);
    // What is on disk cannot come back while nothing may go there instead.
    const first = await get(double.remote(1)).then(() =>
      readBack(refs.slice(0, 1)).catch((error: Error) => told(error instanceof TaskError ? error.cause : error)),
    );
    console.log(first);
    for (const ref of refs.splice(2)) ref[Symbol.dispose]();
    console.log(await readBack(refs));
  },
  /** More than a store may hold where memory is short. */
  async memory() {
    await start('4096MiB');
    const [refs, refusal] = putMany(Number(argument), 8);
    console.log(refusal, refs.length);
    console.log((await readBack(refs)) === refs.length);
  },
  /** There is no room for as many blocks. */
  async full() {
    await start('4096MiB');
    const refs: ObjectRef<Uint8Array>[] = [];
    try {
      for (let i = 0; i < Number(argument); i++) refs.push(put(block(i % 256, 8)));
    } catch (error) {
      console.log(`${told(error)}\n${error instanceof Error ? error.message : ''}`);
    }
  },
  /** What else the process needs grows while the store holds much. */
  async heaps() {
    await start('4096MiB');
    const [refs, refusal] = putMany(16, 8);
    const heap: Buffer[] = [];
    for (let i = 0; i < Number(argument); i++) {
      heap.push(Buffer.alloc(2 ** 22, i));
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    console.log(refusal, refs.length, heap.splice(0).length);
    console.log((await readBack(refs)) === refs.length);
  },
  async shm() {
    await start('64MiB');
    const [refs, refusal] = putMany(24);
    console.log(refusal, await readBack(refs));
  },
  /** Not a descriptor is left once the runtime is up. */
  async descriptors() {
    await start('16MiB');
    await get(Array.from({ length: 8 }, (_, i) => double.remote(i)));
    const taken: number[] = [];
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'));
    } catch (error) {
      writeSync(1, `${(error as NodeJS.ErrnoException).code}\n`);
    }
    const [refs, refusal] = putMany(12);
    const right = await readBack(refs);
    // A thread cannot be replaced now; what ran on it still ends, and the rest waits until one can.
    const died = await get(
      remote(() => process.exit(1))
        .options({ maxRetries: 0 })
        .remote(),
    ).then(String, told);
    const others = Promise.allSettled(Array.from({ length: 20 }, (_, i) => get(double.remote(i))));
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const file of taken) closeSync(file);
    const settled = (await others).filter(({ status }) => status === 'fulfilled').length;
    console.log(refusal, right, died, settled);
    console.log(await get(double.remote(21)).then(String, told));
  },
};

const pause = remote((ms: number) => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms / 2);
  return new Promise<void>((resolve) => setTimeout(resolve, ms));
});

const run = modes[mode];
if (run === undefined || (mode === 'disk' && !existsSync(argument))) throw new Error(`no mode ${mode} ${argument}`);
await run();
await shutdown({ timeoutMs: 1000 });
