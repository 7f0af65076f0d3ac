// A program whose tasks print. The argument says what.
import { get, init, MobulaError, remote, shutdown, wait } from 'mobula';

const [mode] = process.argv.slice(2);
await init({ numCpus: 1 });

const lines: string[] = [];

/** Replaces the streams, as a test runner does; gives what takes that back. */
function replaceStreams(write: (name: string, chunk: string | Uint8Array) => void): () => void {
  const own = (['stdout', 'stderr'] as const).map((name) => {
    const stream = process[name];
    Object.assign(stream, {
      write: (chunk: string | Uint8Array) => {
        write(name, chunk);
        return true;
      },
    });
    return () => Reflect.deleteProperty(stream, 'write');
  });
  return () => {
    for (const restore of own) restore();
  };
}

const record = (name: string, chunk: string | Uint8Array): void => {
  lines.push(`${name} ${typeof chunk === 'string' ? chunk : `bytes ${Buffer.from(chunk).toString('hex')}`}`);
};

/** Runs `body` with streams that record, and prints what they saw. */
async function recording(body: () => Promise<unknown>, write = record): Promise<void> {
  const restore = replaceStreams(write);
  const found = (await body()) ?? null;
  restore();
  console.log(JSON.stringify({ lines, found }));
}

switch (mode) {
  case 'lines':
    await recording(async () => {
      const say = remote((text: string) => {
        console.log(text);
        console.error(text.toUpperCase());
        process.stdout.write(Buffer.from([1, 2, 255]));
        return text;
      });
      for (let i = 0; i < 50; i++) lines.push(`result ${await get(say.remote(`line ${i} ä€😀`))}`);
    });
    break;
  case 'chain':
    await recording(async () => {
      const say = remote((n: number) => {
        console.log(`said ${n}`);
        return n;
      });
      const add = remote((a: number, b: number) => a + b);
      lines.push(`result ${await get(add.remote(say.remote(1), say.remote(2)))}`);
    });
    break;
  case 'poll':
    await recording(async () => {
      const flags = new Int32Array(new SharedArrayBuffer(8));
      const say = remote((go: Int32Array) => {
        Atomics.wait(go, 0, 0);
        console.log('said');
      });
      const tell = remote((done: Int32Array, _: unknown) => {
        Atomics.store(done, 1, 1);
        Atomics.notify(done, 1);
      });
      // The thread is up: nothing of what follows waits for this one's event loop.
      await get(remote(() => 1).remote());
      const said = say.remote(flags);
      const told = tell.remote(flags, said);
      // The event loop stands still from here until the result is there: its news are not read before `wait` looks.
      Atomics.store(flags, 0, 1);
      Atomics.notify(flags, 0);
      Atomics.wait(flags, 1, 0);
      const { ready } = await wait([said], { timeoutMs: 0 });
      lines.push(`there ${ready.length}`);
      await get(told);
    });
    break;
  case 'long':
    await recording(async () => {
      const say = remote((all: string) => void process.stdout.write(all));
      lines.push(`result ${await get(say.remote('ä€😀\n'.repeat(60_000)))}`);
    });
    break;
  case 'writes':
    await recording(async () => {
      const use = remote(async () => {
        const order: unknown[] = [];
        const { stdout } = process;
        await new Promise<void>((resolve) => {
          const more = stdout.write('6869', 'hex', () => {
            order.push('called back');
            resolve();
          });
          order.push(more);
        });
        stdout.cork();
        stdout.write('a');
        stdout.write('b');
        stdout.uncork();
        return [...order, stdout.writableLength].join();
      });
      lines.push(`result ${await get(use.remote())}`);
    });
    break;
  case 'throws': {
    const refuse = (): never => {
      throw new Error('no more lines');
    };
    await recording(async () => {
      const caught = new Promise<Error>((resolve) => process.once('uncaughtException', resolve));
      const say = remote(() => {
        console.log('refused');
        return 1;
      });
      lines.push(`result ${await get(say.remote())}`);
      return (await caught).message;
    }, refuse);
    break;
  }
  case 'busy': {
    // More than the memory for it takes, while the driver's event loop stands still.
    const many = remote((done: Int32Array) => {
      for (let i = 0; i < 30_000; i++) console.log(`line ${i} ${'x'.repeat(20)}`);
      Atomics.store(done, 0, 1);
      Atomics.notify(done, 0);
    });
    const done = new Int32Array(new SharedArrayBuffer(4));
    const ref = many.remote(done);
    await get(remote(() => 1, { numCpus: 0 }).remote());
    Atomics.wait(done, 0, 0);
    await get(ref);
    process.stdout.write('driver: done\n');
    break;
  }
  case 'flood': {
    let bytes = 0;
    const { write } = process.stdout;
    Object.assign(process.stdout, {
      write: (chunk: string | Uint8Array) => {
        bytes += chunk.length;
        return true;
      },
    });
    const before = process.memoryUsage.rss();
    let most = before;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 10);
    const flood = remote(() => {
      const block = 'y'.repeat(2 ** 20);
      for (let i = 0; i < 256; i++) process.stdout.write(block);
    });
    await get(flood.remote());
    clearInterval(timer);
    Object.assign(process.stdout, { write });
    console.log(`bytes ${bytes} grown ${Math.round((most - before) / 2 ** 20)}`);
    break;
  }
  case 'dies': {
    const die = remote(() => {
      console.log('last words');
      process.exit(1);
    });
    const error = await get(die.options({ maxRetries: 0 }).remote()).catch((problem: unknown) => problem);
    console.log(error instanceof MobulaError ? error.code : String(error));
    break;
  }
  default:
    throw new Error(`no mode ${String(mode)}`);
}
await shutdown();
