/** The same for one bare worker and its first message. */
const started = performance.now();
const { Worker } = await import('node:worker_threads');
const loaded = performance.now();
const worker = new Worker(new URL('../compare/first-message.mjs', import.meta.url));
const value = await new Promise((resolve) => worker.once('message', resolve));
const ended = performance.now();

const { check, report } = await import('../lib/child.mjs');
check(value === 1, `the first message is ${value}`);
report({ ms: ended - started, afterInit: ended - loaded });
await worker.terminate();
