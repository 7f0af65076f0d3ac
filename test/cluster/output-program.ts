// A driver whose output is read: test/cluster/output.test.ts starts it in a cluster of two nodes.
import { existsSync } from 'node:fs';
import { context, get, init, nodes, remote, shutdown, wait } from 'mobula';

const [address = '', mode = '', file = ''] = process.argv.slice(2);
await init({ address, ...(mode === 'own' && { numCpus: 1 }) });

const [first = '', second = ''] = nodes()
  .filter(({ driver }) => !driver)
  .map(({ nodeId }) => nodeId)
  .sort();
const on = (nodeId: string) => ({ schedulingStrategy: { nodeId } as const });

const says = remote(
  (i: number) => {
    console.log(`out ${i} ä😀`);
    console.error(`err ${i}`);
    return i;
  },
  { name: 'says' },
);

/** Stops this thread until the file is there. */
function standStillUntil(name: string): void {
  const nap = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(name)) Atomics.wait(nap, 0, 0, 5);
}

const modes: Record<string, () => Promise<void>> = {
  async lines() {
    for (let i = 0; i < 30; i++) console.log(`result ${await get(says.options(on(first)).remote(i))}`);
  },

  async replaced() {
    const seen: unknown[] = [];
    const { write } = process.stdout;
    process.stdout.write = (chunk: string | Uint8Array) => seen.push(chunk) > 0;
    await get(says.options(on(first)).remote(1));
    process.stdout.write = write;
    console.log(JSON.stringify(seen));
  },

  async children() {
    const child = remote(
      (where: string) => {
        // That a task which its own node has submitted is over, nobody tells: its line would stay open.
        process.stdout.write(`child ${where} is on ${context().nodeId}${where === 'here' ? '\n' : ''}`);
      },
      { name: 'child' },
    );
    const parent = remote(
      async (there: string) => {
        const refs = [child.options(on(there)).remote('there'), child.options(on(context().nodeId)).remote('here')];
        await get(refs);
      },
      { name: 'parent' },
    );
    await get(parent.options(on(first)).remote(second));
    console.log('result');
  },

  async parts() {
    const parts = remote(
      async () => {
        process.stdout.write('one ');
        await new Promise((resolve) => setTimeout(resolve, 20));
        process.stdout.write('line\nno end');
      },
      { name: 'parts' },
    );
    await get(parts.options(on(first)).remote());
    console.log('result');
  },

  async slow() {
    const dots = remote(
      async (name: string) => {
        const { existsSync: isThere } = await import('node:fs');
        process.stdout.write('.');
        while (!isThere(name)) await new Promise((resolve) => setTimeout(resolve, 5));
        process.stdout.write('.\n');
      },
      { name: 'dots' },
    );
    await get(dots.options(on(first)).remote(file));
  },

  async long() {
    const long = remote(() => process.stdout.write(`${'ä€😀'.repeat(100_000)}\nend\n`), { name: 'long' });
    await get(long.options(on(first)).remote());
  },

  async bytes() {
    const bytes = remote(() => process.stdout.write(Buffer.from(Array.from({ length: 256 }, (_, i) => i))), {
      name: 'bytes',
    });
    await get(bytes.options(on(first)).remote());
    const colours = remote(() => process.stdout.write('\u001b[31mred\u001b[39m\r\n'), { name: 'colours' });
    await get(colours.options(on(first)).remote());
  },

  async callbacks() {
    const calls = remote(
      async () => {
        const said: unknown[] = [];
        said.push(process.stdout.write('68690a', 'hex', () => said.push('called back')));
        await new Promise((resolve) => process.stdout.write('a\n', resolve));
        return said;
      },
      { name: 'calls' },
    );
    console.log(JSON.stringify(await get(calls.options(on(first)).remote())));
  },

  async flood() {
    const flood = remote(
      (lines: number) => {
        for (let i = 0; i < lines; i++) process.stdout.write(`${i} ${'x'.repeat(1000)}\n`);
      },
      { name: 'flood' },
    );
    const before = process.resourceUsage().maxRSS;
    await get(flood.options(on(first)).remote(Number(file)));
    console.log('result');
    console.error(process.resourceUsage().maxRSS - before);
  },

  async deaf() {
    const flood = remote(
      async (name: string) => {
        for (let i = 0; i < 400; i++) process.stdout.write(`${'y'.repeat(100_000)}\n`);
        const { writeFileSync } = await import('node:fs');
        writeFileSync(name, '');
        return 'done';
      },
      { name: 'flood' },
    );
    const ref = flood.options(on(first)).remote(file);
    // The task is on its way once this one, behind it, was asked for.
    await wait([ref], { timeoutMs: 100 });
    standStillUntil(file);
    console.log(`result ${await get(ref)}`);
    console.log(`result ${await get(says.options(on(first)).remote(1))}`);
  },

  async endless() {
    const endless = remote(
      () => {
        for (;;) console.log('for ever');
      },
      { name: 'endless' },
    );
    await get(endless.options(on(first)).remote());
  },

  async dies() {
    const dies = remote(
      () => {
        console.log('last line');
        process.stdout.write('last words');
        process.exit(3);
      },
      { name: 'dies', maxRetries: 0 },
    );
    await get(dies.options(on(first)).remote()).catch((error: Error) => console.log(error.name));
  },

  async same() {
    const same = remote(() => console.log('the same'), { name: 'same' });
    await get(Array.from({ length: 12 }, (_, i) => same.options(on(i % 2 === 0 ? first : second)).remote()));
    console.log('results');
    const alone = remote(() => console.log('alone\nalone\nalone'), { name: 'alone' });
    await get(alone.options(on(first)).remote());
  },

  async exits() {
    await modes['same']?.();
    process.exit(0);
  },

  async own() {
    const own = remote(() => console.log(context().nodeId), { name: 'own' });
    await get(own.options(on(context().nodeId)).remote());
    console.log(context().nodeId);
  },

  async left() {
    const left = remote(
      () => {
        console.log('now');
        setTimeout(() => console.log('left behind'), 50);
      },
      { name: 'left' },
    );
    const seen = new Promise<void>((resolve) => {
      const { write } = process.stdout;
      process.stdout.write = (chunk: string | Uint8Array) => {
        if (String(chunk).includes('left behind')) resolve();
        return write.call(process.stdout, chunk);
      };
    });
    await get(left.options(on(first)).remote());
    console.log('result');
    const alive = setInterval(() => undefined, 1000);
    await seen;
    clearInterval(alive);
  },

  async waits() {
    standStillUntil(file);
    for (let i = 0; i < 3; i++) await get(says.options(on(first)).remote(i));
  },
};

await modes[mode]?.();
await shutdown();
