// A program that ends in one way while something is in flight. The arguments say what and how; it prints what it sees.
import { writeSync } from 'node:fs';
import { get, init, type ObjectRefStream, remote, shutdown } from 'mobula';

const [flight = '', way = ''] = process.argv.slice(2);
await init({ numCpus: 2 });

const quick = remote((n: number) => {
  console.log(`quick ${n}`);
  return n;
});
const slow = remote(async (ms: number, begun?: Int32Array) => {
  if (begun !== undefined) Atomics.store(begun, 0, 1);
  await new Promise((resolve) => setTimeout(resolve, ms));
  console.log('slow');
  return 'slow';
});
const endless = remote(function* () {
  for (let i = 0; ; i++) yield i;
});
class Slow {
  async call(ms: number): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    console.log('called');
    return 'called';
  }
}
const kept: unknown[] = [];
/** Resolves when nobody waits any more for a task that is about to end. */
let heard: Promise<void> = Promise.resolve();
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const flights: Record<string, () => unknown> = {
  nothing: () => undefined,
  /** Tasks that have ended and have printed. */
  finished: () =>
    get(Array.from({ length: 50 }, (_, i) => quick.remote(i))).then((all) => say(`results ${all.length}`)),
  /** Another waits for a task that ends before the one in flight. */
  other: () => {
    heard = get(quick.remote(1)).then(() => say('got quick'));
    kept.push(slow.remote(300));
  },
  actor: () => {
    kept.push(remote(Slow).remote().call.remote(300));
  },
  unread: () => {
    kept.push(endless.remote());
  },
  half: async () => {
    const stream: ObjectRefStream<number> = endless.remote();
    kept.push(stream);
    await stream.next();
  },
  /** A stream that is half read, and a task that nobody waits for, which ends later. */
  both: async () => {
    await flights['half']?.();
    kept.push(slow.remote(300));
  },
  dropped: async () => {
    await (() => endless.remote().next())();
  },
  starting: () => {
    kept.push(quick.remote(1));
  },
};

const ways: Record<string, () => unknown> = {
  return: () => undefined,
  async shutdown() {
    await shutdown();
    say('drained');
  },
  async twice() {
    await Promise.all([shutdown(), shutdown()]);
    say('drained');
  },
  /** The second Ctrl-C. */
  async hasten() {
    const begun = new Int32Array(new SharedArrayBuffer(4));
    kept.push(slow.remote(600_000, begun));
    const first = shutdown();
    while (Atomics.load(begun, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    // Whoever waited for what is cut short would get a RuntimeClosedError.
    await heard;
    await shutdown({ timeoutMs: 0 });
    await first;
    say('drained');
  },
  async large() {
    await shutdown({ timeoutMs: Number.MAX_SAFE_INTEGER });
    say('drained');
  },
  async again() {
    const first = shutdown();
    await init({ numCpus: 1 });
    say(`again ${await get(quick.remote(7))}`);
    await first;
    await shutdown();
    say('drained');
  },
  beforeExit() {
    process.once('beforeExit', () => void shutdown().then(() => say('drained')));
  },
  onExit() {
    process.on('exit', () => {
      void shutdown();
      writeSync(2, 'exits\n');
    });
  },
  exit: () => process.exit(7),
  throw() {
    setImmediate(() => {
      throw new Error('thrown at the end');
    });
  },
  reject() {
    void Promise.reject(new Error('rejected at the end'));
  },
};

await flights[flight]?.();
await ways[way]?.();
