import assert from 'node:assert/strict';
import test from 'node:test';
import { CaptureError } from '../../../src/common/errors.ts';
import {
  type AnyFunction,
  type CaptureHost,
  captureFunction,
  reviveFunction,
} from '../../../src/core/functions/index.ts';
import type { ShippedFunction } from '../../../src/core/functions/shipped.ts';

const host: CaptureHost = {
  isPortable: () => false,
  findOwn: () => undefined,
  ownModule: () => undefined,
  checkValue(value, name) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const maker: unknown = Reflect.get(value, 'constructor');
      if (typeof maker === 'function' && !/native code/.test(String(maker))) throw new TypeError(`${name} is refused`);
    }
    structuredClone(value);
  },
};

async function there<Fn extends AnyFunction>(fn: Fn): Promise<Fn> {
  return (await reviveFunction(structuredClone(captureFunction(fn, host)))) as Fn;
}

function refusal(fn: AnyFunction): CaptureError {
  try {
    captureFunction(fn, host);
  } catch (error) {
    assert.ok(error instanceof CaptureError, String(error));
    return error;
  }
  assert.fail('was not refused');
}

test('mutual recursion and a shared constant keep their identity', async () => {
  const shared = { n: 0 };
  const bump = (): number => (shared.n += 1);
  const read = (): number => shared.n;
  const both = (): number[] => [bump(), read(), shared.n];
  assert.deepEqual((await there(both))(), [1, 1, 1]);
  assert.equal(shared.n, 0);
});

test('functions inside data come along, cycles included', async () => {
  interface Table {
    readonly add: (a: number, b: number) => number;
    readonly list: ((x: number) => number)[];
    readonly byName: Map<string, () => Table>;
    self?: Table;
  }
  const table: Table = { add: (a, b) => a + b, list: [(x) => x * 2], byName: new Map([['table', () => table]]) };
  table.self = table;
  const all = new Set([(x: number): number => x + 1]);
  const use = (): unknown => {
    const [increment] = all;
    const found = table.byName.get('table')?.();
    return [table.add(1, 2), table.list[0]?.(4), found === table, table.self === table, increment?.(1)];
  };
  assert.deepEqual((await there(use))(), [3, 8, true, true, 2]);
  assert.equal(table.list.length, 1, 'the original is untouched');
});

test('superclasses are found though V8 keeps no variable for them', async () => {
  const mixin = (Base: new () => object): (new () => { mixed(): string }) =>
    class extends Base {
      mixed(): string {
        return 'mixed';
      }
    };
  class Root {
    readonly root = 1;
  }
  class Leaf extends mixin(Root) {}
  const made = (await there(() => new Leaf()))();
  assert.equal(made.mixed(), 'mixed');
  assert.equal(Reflect.get(made, 'root'), 1);
});

test('static members hold what they held', async () => {
  // biome-ignore lint/complexity/noStaticOnlyClass: static members are what is tested.
  class Counter {
    static count = 1;
    static readonly label: string = `counter ${Counter.count}`;
    static bump(): number {
      Counter.count += 1;
      return Counter.count;
    }
  }
  Counter.bump();
  const [count, label] = (await there(() => [Counter.bump(), Counter.label]))();
  assert.deepEqual([count, label], [3, 'counter 1']);
});

// Evaluating the class again gave such a field a fresh instance, whatever the old one had come to hold.
test('a static field keeps the instance of its own class as it is', async () => {
  class Registry {
    static readonly shared: Registry = new Registry();
    static readonly #own: Registry = Registry.shared;
    made: number | Registry = 1;
    static own(): Registry {
      return Registry.#own;
    }
  }
  Registry.shared.made = Registry.shared;
  const fn = await there(() => {
    const { shared } = Registry;
    return [shared instanceof Registry, shared.made === shared, Registry.own() === shared];
  });
  assert.deepEqual(fn(), [true, true, true]);
});

test('a static field that holds another instance, or one with private fields, is refused by name', () => {
  class Secret {
    static readonly shared: Secret = new Secret();
    readonly #made = 1;
    made(): number {
      return this.#made;
    }
  }
  const error = refusal(() => Secret.shared.made());
  assert.equal(error.variable, 'Secret.shared');
  assert.match(error.message, /is an instance of Secret/);
  // biome-ignore lint/complexity/noStaticOnlyClass: static members are what is tested.
  class Hidden {
    static readonly #other: Secret = Secret.shared;
    static made(): number {
      return Hidden.#other.made();
    }
  }
  assert.equal(refusal(() => Hidden.made()).variable, 'Hidden.#other');
});

test('a frozen class is frozen, with the fields it had', async () => {
  // biome-ignore lint/complexity/noStaticOnlyClass: static members are what is tested.
  class Limits {
    static readonly most: number[] = [1];
    static {
      Object.freeze(Limits);
    }
  }
  Limits.most.push(2);
  const fn = await there(() => [Object.isFrozen(Limits), Limits.most]);
  assert.deepEqual(fn(), [true, [1, 2]]);
});

test('nothing of a class is computed again: static blocks and initialisers do not run in the worker', async () => {
  const effects: string[] = [];
  const note = (text: string): number => effects.push(text);
  // biome-ignore lint/complexity/noStaticOnlyClass: static members are what is tested.
  class Noisy {
    static readonly first: number = note('field');
    static #hidden: number = note('private field');
    static {
      note('block');
    }
    static sum(): number {
      Noisy.#hidden += 1;
      return Noisy.first + Noisy.#hidden;
    }
  }
  assert.equal(Noisy.sum(), 4);
  const sum = await there(() => Noisy.sum());
  assert.deepEqual([sum(), effects], [5, ['field', 'private field', 'block']]);
});

test('computed, static, async and generator methods, getters and setters', async () => {
  const { log } = Math;
  const things = {
    async ['com' + 'puted'](x: number): Promise<number> {
      return log(x);
    },
    get seven(): number {
      return 7;
    },
    *[Symbol.iterator](): Generator<number> {
      yield log(1);
    },
  };
  // biome-ignore lint/complexity/noStaticOnlyClass: static members are what is tested.
  class Tools {
    static async double(x: number): Promise<number> {
      return x * 2;
    }
  }
  const getter = Object.getOwnPropertyDescriptor(things, 'seven')?.get;
  assert.ok(getter);
  const computed = things['computed'] as (x: number) => Promise<number>;
  assert.equal(await (await there(computed))(1), 0);
  assert.equal((await there(getter))(), 7);
  assert.deepEqual([...(await there(things[Symbol.iterator]))()], [0]);
  const double = await there(Tools.double);
  assert.equal(await double(4), 8);
  assert.equal(double.name, 'double');
  assert.equal(double.length, 1);
});

test('import.meta and import() mean the defining file', async () => {
  const fn = await there(async () => [import.meta.url, (await import('./expected.ts')).expectedCommonJs !== undefined]);
  assert.deepEqual(await fn(), [import.meta.url, true]);
});

test('stack traces show file, line and column', async () => {
  const thrower = (): Error => new Error('here');
  const place = (error: Error): string | undefined => error.stack?.split('\n')[1]?.replace(/^.*\(|\)$/g, '');
  assert.equal(place((await there(thrower))()), place(thrower()));
});

test('a revived function goes on as it came', async () => {
  const fn = await there((x: number) => x + 1);
  const shipped = captureFunction(fn, host);
  assert.equal(((await reviveFunction(structuredClone(shipped))) as typeof fn)(1), 2);
});

test('symbols, globals and functions of Node', async () => {
  const registered = Symbol.for('mobula.test');
  const iterator = Symbol.iterator;
  const owns = Object.prototype.hasOwnProperty;
  const { isArray } = Array;
  const wait = setTimeout;
  const json = JSON;
  const fn = await there(() => [
    registered === Symbol.for('mobula.test'),
    iterator === Symbol.iterator,
    owns === Object.prototype.hasOwnProperty,
    isArray([]),
    wait === setTimeout,
    json === JSON,
  ]);
  assert.deepEqual(fn(), [true, true, true, true, true, true]);
});

test('a large captured table costs one copy at most', () => {
  const rows = Array.from({ length: 10_000 }, (_, i) => ({ i }));
  const shipped: ShippedFunction = captureFunction(() => rows.length, host);
  const captured = shipped.captures.get('rows');
  assert.equal(captured?.kind === 'data' && captured.value, rows);
});

test('closures of one text are described one by one, and what a helper holds as it is then', async () => {
  const table = { n: 1 };
  const helper = (): number => table.n;
  const make =
    (by: number): (() => number[]) =>
    () => [helper(), by];
  const first = await there(make(1));
  table.n = 2;
  const second = await there(make(2));
  assert.deepEqual(
    [first(), second()],
    [
      [1, 1],
      [2, 2],
    ],
  );
});

test('refusals name the variable and its way there', () => {
  class Database {
    readonly open = true;
  }
  const db = new Database();
  const parse = (): boolean => db.open;
  const table = { run: { parse } };
  const error = refusal(() => table.run.parse());
  assert.equal(error.variable, 'db');
  assert.match(
    error.message,
    /'table\.run\.parse' \(.*:\d+\), which uses 'db' \(.*capture\.test\.[jt]s:\d+\), which is an instance of Database/,
  );
});

test('refuses what belongs to the code around a function', () => {
  class Base {
    #secret = 1;
    greet(): string {
      return 'hi';
    }
    reveal(): number {
      return this.#secret;
    }
  }
  class Loud extends Base {
    override greet(): string {
      return super.greet().toUpperCase();
    }
    field = (): this => this;
  }
  assert.match(refusal(Loud.prototype.greet).message, /'super' .* means nothing outside its class/);
  assert.match(refusal(Base.prototype.reveal).message, /'#secret' .* means nothing outside its class/);
  assert.match(refusal(new Loud().field).message, /'this' .* belongs to the code around the function/);
});

test('refuses symbols, bound and native functions, Proxies and half-made things', () => {
  const symbol = Symbol('own');
  const bound = Math.max.bind(null, 1);
  const proxy = new Proxy(() => 1, {});
  let unfilled: string | undefined;
  assert.match(refusal(() => symbol).message, /'symbol' .* Symbol\.for/);
  assert.match(refusal(() => bound(1)).message, /'bound' .* bound function/);
  assert.match(refusal(() => proxy()).message, /'proxy' .* is a Proxy/);
  assert.match(refusal(Math.max).message, /built into Node/);
  assert.match(refusal(() => unfilled).message, /'unfilled' .* has no value yet/);
  assert.match(refusal(() => early).message, /'early' .* has no value yet/);
  const early = {};
  unfilled = 'later';
  assert.ok(early && unfilled);
});
