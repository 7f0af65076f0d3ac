import process from 'node:process';

function forbid(name: string): object {
  function refuse(): never {
    throw new Error(`${name} was used under the simulator: a seed would not repeat. Take it from the step's env`);
  }
  // As a class has it: Date.now.
  return Object.assign(refuse, { now: refuse });
}

/** Where the real world is within reach: objects, and the names on them. */
const doors: readonly (readonly [string, object, readonly string[]])[] = [
  ['Math', Math, ['random']],
  ['performance', performance, ['now']],
  ['crypto', crypto, ['getRandomValues', 'randomUUID']],
  ['process', process, ['hrtime', 'nextTick', 'uptime', 'cpuUsage']],
  [
    'globalThis',
    globalThis,
    ['Date', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch', 'WebSocket', 'Worker'],
  ],
];

/** Runs `run` with no clock, no timer and no source of chance of the real world. */
export function withoutRealWorld<T>(run: () => T): T {
  const closed = doors.flatMap(([owner, object, names]) =>
    names.flatMap((name) => {
      const real = Object.getOwnPropertyDescriptor(object, name);
      const holder = real === undefined && name in object ? { configurable: true } : real;
      if (holder === undefined) return [];
      Object.defineProperty(object, name, { configurable: true, writable: true, value: forbid(`${owner}.${name}`) });
      return [{ object, name, real }];
    }),
  );
  try {
    return run();
  } finally {
    for (const { object, name, real } of closed.reverse()) {
      if (real === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, real);
    }
  }
}
