/** From the first line of a program to its first result. Nothing of mobula is loaded before the clock starts. */
const started = performance.now();
const { get, init, remote, shutdown } = await import('../lib/mobula.mjs');
const loaded = performance.now();
await init();
const value = await get(remote(() => 1).remote());
const ended = performance.now();

const { check, report } = await import('../lib/child.mjs');
check(value === 1, `the first result is ${value}`);
report({ ms: ended - started, afterInit: ended - loaded });
await shutdown();
