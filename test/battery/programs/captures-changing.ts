// Variables that change, and constants whose value is not there yet.
import { failure, may, must, mustEqual, type Program } from '../inside/program.ts';
import { get, remote } from 'mobula';

let level = 1;
export function setLevel(value: number) {
  level = value;
}
let lastSeen: number | undefined;
[1, 2, 3].forEach((value) => {
  lastSeen = value;
});
let filledByLoop: number | undefined;
for (const value of [4, 5, 6]) filledByLoop = value;
let filledOnce: { deep: number[] };
filledOnce = { deep: [1] };
let filledInBlock: number;
{
  filledInBlock = 7;
}
let filledInTry: unknown;
try {
  filledInTry = JSON.parse('[1]');
} catch {}
let filledInSwitch = '';
switch (LIMIT()) {
  case 3:
    filledInSwitch = 'three';
    break;
}
function LIMIT() {
  return 3;
}
var declaredTwice = 1;
var declaredTwice = 2;
let implementation = (x: number) => x;
implementation = (x: number) => x * 100;
function replaced() {
  return 'first';
}
// @ts-expect-error: JavaScript lets a function declaration be assigned.
replaced = () => 'second';

export const programs: Program[] = [
  may('a variable set by another function between calls', async (call) => {
    let config: any;
    const set = (value: unknown) => {
      config = value;
    };
    const read = () => config.url;
    set({ url: 'a' });
    const first = await call(read);
    set({ url: 'b' });
    return [first, await call(read)];
  }, 'config'),
  must('a variable set by another function, as advised: an argument', async (call) => {
    let config: any;
    const set = (value: unknown) => {
      config = value;
    };
    const read = (given: any) => given.url;
    set({ url: 'a' });
    const first = await call(read, config);
    set({ url: 'b' });
    return [first, await call(read, config)];
  }),
  may('a variable of the module that an exported function sets', async (call) => {
    const read = () => level;
    setLevel(1);
    const first = await call(read);
    setLevel(2);
    return [first, await call(read)];
  }, 'level'),
  may('a variable set in a callback', (call) => call(() => lastSeen), 'lastSeen'),
  may('a variable set in a loop', (call) => call(() => filledByLoop), 'filledByLoop'),
  may('a variable set in a callback that has not run', async (call) => {
    let result = 0;
    const later = () => {
      result = 1;
    };
    const read = () => result;
    const first = await call(read);
    later();
    return [first, await call(read)];
  }, 'result'),
  may('a variable set in a loop of the same function, between calls', async (call) => {
    let turn = 0;
    const read = () => turn;
    const seen: unknown[] = [];
    for (const value of [1, 2, 3]) {
      turn = value;
      seen.push(await call(read));
    }
    return seen;
  }, 'turn'),
  may('a variable counted up in the same function', async (call) => {
    let count = 0;
    const read = () => count;
    const first = await call(read);
    count++;
    return [first, await call(read)];
  }, 'count'),
  may('a variable set by destructuring in another function', async (call) => {
    let x = 0;
    const move = (to: { x: number }) => {
      ({ x } = to);
    };
    move({ x: 1 });
    const read = () => x;
    const first = await call(read);
    move({ x: 2 });
    return [first, await call(read)];
  }, 'x'),
  may('a variable set by destructuring of an array', async (call) => {
    let a = 1;
    let b = 2;
    const read = () => [a, b];
    const first = await call(read);
    [a, b] = [b, a];
    return [first, await call(read)];
  }),
  may('a variable that is the target of a for-of loop', async (call) => {
    let word = '';
    const read = () => word;
    const seen: unknown[] = [];
    for (word of ['a', 'b']) seen.push(await call(read));
    return seen;
  }, 'word'),
  may('a variable set by ??= in another function', async (call) => {
    let cached: number | undefined;
    const fill = () => (cached ??= 5);
    const read = () => cached;
    const first = await call(read);
    fill();
    return [first, await call(read)];
  }, 'cached'),
  may('a variable set by an immediately invoked function', (call) => {
    let value = 0;
    (() => {
      value = 9;
    })();
    return call(() => value);
  }, 'value'),
  may('a parameter that is assigned', (call) => {
    function around(options: any) {
      options = options ?? { by: 2 };
      return call(() => options.by);
    }
    return around(undefined);
  }, 'options'),
  must('a parameter that is assigned, as advised: a constant', (call) => {
    function around(options: any) {
      const settled = options ?? { by: 2 };
      return call(() => settled.by);
    }
    return around(undefined);
  }),
  must('a parameter with a default value', (call) => {
    function around(by = 2, { deep = by * 2 } = {}) {
      return call(() => [by, deep]);
    }
    return around();
  }),
  may('a counter of its own', (call) => {
    let count = 0;
    return call(() => ++count);
  }, 'count'),
  may('a counter that two closures share', async (call) => {
    let count = 0;
    const up = () => ++count;
    const read = () => count;
    await call(up);
    return call(read);
  }, 'count'),
  must('a counter, as advised: an actor', async (call) => {
    class Counter {
      count = 0;
      up() {
        return ++this.count;
      }
    }
    const counter = call.actor(Counter);
    await counter.up();
    return counter.up();
  }),
  may('a value that is made on the first call', async (call) => {
    let made: number | undefined;
    const lazily = () => (made ??= 6 * 7);
    return call(lazily);
  }, 'made'),
  must('a cache in a constant', (call) => {
    const cache: Record<string, number> = {};
    const length = (word: string) => (cache[word] ??= word.length);
    return call((word: string) => [length(word), length(word), Object.keys(cache)], 'abc');
  }),
  must('an array in a constant that the function fills', (call) => {
    const seen: number[] = [];
    return call((x: number) => {
      seen.push(x);
      return [...seen];
    }, 3);
  }),
  may('a var that is declared twice', (call) => call(() => declaredTwice), 'declaredTwice'),
  may('a function variable that is replaced', (call) => call((x: number) => implementation(x), 2), 'implementation'),
  may('a function declaration that is replaced', (call) => call(() => replaced()), 'replaced'),
  may('a class variable that is wrapped', (call) => {
    let Service: any = class {
      name() {
        return 'plain';
      }
    };
    Service = class extends Service {
      override name() {
        return `wrapped ${super.name()}`;
      }
    };
    return call(() => new Service().name());
  }, 'Service'),
  must('a class that is wrapped, as advised: constants', (call) => {
    const Inner = class {
      name() {
        return 'plain';
      }
    };
    const Service = class extends Inner {
      override name() {
        return `wrapped ${super.name()}`;
      }
    };
    return call(() => new Service().name());
  }),
  may('a variable set in two branches', (call) => {
    let kind: string;
    if (LIMIT() > 2) kind = 'many';
    else kind = 'few';
    return call(() => kind);
  }, 'kind'),
  may('a variable that never gets a value', (call) => {
    let nothing: unknown;
    return call(() => nothing);
  }, 'nothing'),
  must('a let filled once at the top level', (call) => call(() => filledOnce)),
  must('a let filled once in a block', (call) => call(() => filledInBlock)),
  must('a let filled once in try', (call) => call(() => filledInTry)),
  may('a let with an initialiser, set once more in a switch', (call) => call(() => filledInSwitch), 'filledInSwitch'),
  must('a let filled once after its declaration', (call) => {
    let value: number;
    value = LIMIT() * 2;
    return call(() => value);
  }),
  must('a let filled once after an await', async (call) => {
    let connection: { url: string };
    connection = await Promise.resolve({ url: 'somewhere' });
    return call(() => connection.url);
  }),
  must('a let filled once in a condition', (call) => {
    let value = 0;
    value;
    let only: string | undefined;
    if (LIMIT() === 3) only = 'yes';
    return call(() => only);
  }),
  must('a let filled once by destructuring', (call) => {
    let first: number;
    let rest: number[];
    [first, ...rest] = [1, 2, 3];
    return call(() => [first, rest]);
  }),
  must('a let filled once, used by a helper', (call) => {
    let base: number;
    const add = (x: number) => x + base;
    base = 5;
    return call((x: number) => add(x), 1);
  }),
  must('a let of a loop body, filled once in each turn', async (call) => {
    const results: unknown[] = [];
    for (const word of ['a', 'bb']) {
      const length = word.length;
      results.push(await call(() => length));
    }
    return results;
  }),

  // A value that is not there yet.
  must('a constant of a later line: the next call works', async (call) => {
    const read = () => late;
    const first = await failure(() => call(read));
    const late = [1].concat(2);
    return [first, await call(read)];
  }),
  must('a literal of a later line: the next call works', async (call) => {
    const read = () => late;
    const first = await failure(() => call(read));
    const late = 5;
    return [first, await call(read)];
  }),
  must('a class of a later line: the next call works', async (call) => {
    const make = () => new Late().value;
    const first = await failure(() => call(make));
    class Late {
      value = 1;
    }
    return [first, await call(make)];
  }),
  may('a constant of a later line, called too early', async (call) => {
    const early = call(() => late);
    early.catch(() => {});
    const late = [1].concat(2);
    late.push(3);
    await early;
    return 'no error';
  }),
  may('a var of a later line', async (call) => {
    const read = () => later;
    const first = await call(read);
    var later = 3;
    return [first, await call(read)];
  }, 'later'),
  must('an object that cannot be copied, replaced by one that can: the next call works', async (call) => {
    const holder: { resource: unknown } = { resource: call.remotely ? new WeakMap() : 1 };
    const read = () => holder.resource;
    const first = call.remotely ? await failure(() => call(read)) : 'failed';
    holder.resource = 1;
    return [first, await call(read)];
  }),
  mustEqual(
    'the contents of captured data are those of the first call',
    () => [1, 1],
    async () => {
      const data = { n: 1 };
      const f = remote(() => data.n);
      const first = await get(f.remote());
      data.n = 2;
      return [first, await get(f.remote())];
    },
  ),
  // Beside a function, what structured clone refuses was left out of the copy.
  may('a symbol as a key, beside a function', (call) => {
    const table = { run: () => 1, [Symbol.for('battery')]: 2 };
    return call(() => [table.run(), table[Symbol.for('battery')]]);
  }, 'table'),
  may('an object inside an array, with a symbol as a key, around a function', (call) => {
    const list = [{ inner: { run: () => 1 }, [Symbol.for('battery')]: 2 }];
    return call(() => [list[0]?.inner.run(), list[0]?.[Symbol.for('battery')]]);
  }, 'list[0]'),
  may('an Array of a class of its own, with functions', (call) => {
    class Steps extends Array<() => number> {
      total() {
        return this.reduce((sum, step) => sum + step(), 0);
      }
    }
    const steps = new Steps();
    steps.push(() => 1, () => 2);
    return call(() => steps.total?.());
  }, 'steps'),
  may('a Map with a property of its own, and functions', (call) => {
    const handlers = Object.assign(new Map([['a', () => 1]]), { fallback: 'none' });
    return call(() => [handlers.get('a')?.(), handlers.fallback]);
  }, 'handlers'),
  may('a Set of a class of its own, with functions', (call) => {
    class Hooks extends Set<() => number> {
      run() {
        return [...this].map((hook) => hook());
      }
    }
    const hooks = new Hooks([() => 1]);
    return call(() => hooks.run?.());
  }, 'hooks'),
  may('a Proxy that answers for what is not there', (call) => {
    const answers: any = new Proxy({ a: 1 }, { get: (target, key) => Reflect.get(target, key) ?? 42 });
    return call(() => [answers.a, answers.b]);
  }, 'answers'),
  may('a Proxy inside data', (call) => {
    const holder: any = { list: [new Proxy({}, { get: () => 42 })] };
    return call(() => holder.list[0].any);
  }, 'holder.list[0]'),
  must('the contents of captured data, changed before the first call', (call) => {
    const data: any = { n: 1, list: [1] };
    data.n = 2;
    data.list.push(2);
    data.added = true;
    return call(() => data);
  }),
];
