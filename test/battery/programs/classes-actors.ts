// Classes as actors. The classes stand in each of these files: one is captured with the module it
// stands in, and an imported one would be found there.
import { EventEmitter } from 'node:events';
import { must, type Program } from '../inside/program.ts';
import { Point, scale } from './lib/geometry.ts';

const FACTOR = 3;

class Plain {
  n: number;
  constructor(n = 1) {
    this.n = n;
  }
  get twice() {
    return this.n * 2;
  }
  set half(value: number) {
    this.n = value * 2;
  }
  times(x: number) {
    return scale(this.n, x) * FACTOR;
  }
  static of(n: number) {
    return new Plain(n);
  }
}

class Fields {
  a = 1;
  b = this.a + FACTOR;
  list: number[] = [];
  arrow = () => this.a;
  push(x: number) {
    this.list.push(x);
    return [...this.list];
  }
}

class Hidden {
  #n: number;
  static #made = 0;
  constructor(n: number) {
    this.#n = n;
    Hidden.#made += 1;
  }
  #secret() {
    return this.#n * 10;
  }
  get #view() {
    return this.#secret() + 1;
  }
  reveal() {
    return [this.#n, this.#secret(), this.#view, #n in this];
  }
  static isHidden(value: object) {
    return #n in value;
  }
}

class Base {
  name: string;
  static kind = 'base';
  constructor(name: string) {
    this.name = name;
  }
  describe() {
    return `${this.name}!`;
  }
  static create(this: any, name: string) {
    return new this(name);
  }
}
class Derived extends Base {
  static override kind = 'derived';
  override describe() {
    return `<${super.describe()}>`;
  }
  parentKind() {
    return [Derived.kind, Base.kind, (this.constructor as any).kind];
  }
}
class Most extends Derived {
  extra = [this.name];
  override describe() {
    return `${super.describe()}${this.extra}`;
  }
}
class Failure extends Error {
  status = 500;
  constructor(message: string) {
    super(message);
    this.name = 'Failure';
  }
}
class Emitter extends EventEmitter {
  heard: unknown[] = [];
  constructor() {
    super();
    this.on('x', (value) => this.heard.push(value));
  }
  fire(value: unknown) {
    this.emit('x', value);
    return [...this.heard];
  }
}
class Pixel extends Point {
  color = 'red';
  override length() {
    return super.length() * 2;
  }
}

export const programs: Program[] = [
  must('actor: state', async (call) => {
    const plain = call.actor(Plain, 5);
    return [await plain.times(1), await plain.times(2)];
  }),
  must('actor: fields', async (call) => {
    const fields = call.actor(Fields);
    return [await fields.push(1), await fields.push(2)];
  }),
  must('actor: private members', (call) => call.actor(Hidden, 4).reveal()),
  must('actor: an inherited method', async (call) => {
    const most = call.actor(Most, 'actor');
    return [await most.describe(), await most.parentKind()];
  }),
  must('actor: extends Map', async (call) => {
    class Tally extends Map<string, number> {
      count(key: string) {
        this.set(key, (this.get(key) ?? 0) + 1);
        return this.get(key);
      }
    }
    const tally = call.actor(Tally);
    return [await tally.count('a'), await tally.count('a'), await tally.count('b')];
  }),
  must('actor: extends an imported class', (call) => call.actor(Pixel, 3, 4).length()),
  must('actor: an imported class', (call) => call.actor(Point, 3, 4).length()),
  must('actor: constructor throws', (call) => {
    class Broken {
      constructor() {
        throw new RangeError('no luck');
      }
      run() {
        return 1;
      }
    }
    return call.actor(Broken).run();
  }),
  must('actor: a method throws', (call) => {
    class Thrower {
      run() {
        throw new Failure('in a method');
      }
    }
    return call.actor(Thrower).run();
  }),
  must('actor: an async method', (call) => {
    class Slow {
      async run(x: number) {
        await null;
        return x + FACTOR;
      }
    }
    return call.actor(Slow).run(1);
  }),
  must('actor: a generator method', (call) => {
    class Stream {
      *run(n: number) {
        for (let i = 0; i < n; i++) yield i * FACTOR;
      }
    }
    return call.actor(Stream).run(3);
  }),
  // Actors.
  must('actor: arguments of the constructor', (call) => {
    class Takes {
      args: unknown[];
      constructor(...args: unknown[]) {
        this.args = args;
      }
      read() {
        return this.args;
      }
    }
    return call.actor(Takes, 1, { a: [1n] }, new Map([[1, -0]]), undefined, null).read();
  }),
  must('actor: default arguments', (call) => call.actor(Plain).times(1)),
  must('actor: private state over calls', async (call) => {
    class Log {
      #lines: string[] = [];
      add(line: string) {
        return this.#lines.push(line);
      }
      all() {
        return [...this.#lines];
      }
    }
    const log = call.actor(Log);
    await log.add('a');
    await log.add('b');
    return log.all();
  }),
  must('actor: calls in order', async (call) => {
    class Order {
      seen: number[] = [];
      async take(n: number) {
        await null;
        this.seen.push(n);
        return n;
      }
      all() {
        return [...this.seen];
      }
    }
    const order = call.actor(Order);
    await Promise.all([1, 2, 3].map((n) => order.take(n)));
    return order.all();
  }),
  must('actor: this in arrow functions', async (call) => {
    class Arrow {
      n = 2;
      times(list: number[]) {
        return list.map((x) => x * this.n);
      }
    }
    return call.actor(Arrow).times([1, 2]);
  }),
  must('actor: static members', async (call) => {
    class WithStatics {
      static start = 5;
      n = WithStatics.start;
      up() {
        WithStatics.start += 1;
        return [this.n, WithStatics.start];
      }
    }
    return call.actor(WithStatics).up();
  }),
  must('actor: errors leave the state', async (call) => {
    class Careful {
      n = 1;
      fail() {
        this.n = 2;
        throw new Failure('failed');
      }
      read() {
        return this.n;
      }
    }
    const careful = call.actor(Careful);
    const error = await careful.fail().catch((caught: any) => [caught.name, caught.status]);
    return [error, await careful.read()];
  }),
  must('actor: two instances of one class', async (call) => {
    const [a, b] = [call.actor(Fields), call.actor(Fields)];
    await a.push(1);
    return [await a.push(2), await b.push(3)];
  }),
  must('actor: uses captured helpers', async (call) => {
    const helper = (x: number) => x * FACTOR;
    class Uses {
      run(x: number) {
        return helper(scale(x, 2));
      }
    }
    return call.actor(Uses).run(2);
  }),
  must('actor: getters and setters inside', async (call) => {
    class Box {
      #value = 1;
      get value() {
        return this.#value;
      }
      set value(x) {
        this.#value = x * 2;
      }
      store(x: number) {
        this.value = x;
        return this.value;
      }
    }
    return call.actor(Box).store(4);
  }),
  must('actor: a constructor function is no class, its class form is', (call) => {
    class Modern {
      n: number;
      constructor(n: number) {
        this.n = n;
      }
      get() {
        return this.n * FACTOR;
      }
    }
    return call.actor(Modern, 2).get();
  }),
  must('actor: extends Array', (call) => {
    class Stack extends Array<number> {
      add(x: number) {
        this.push(x);
        return this.length;
      }
    }
    return call.actor(Stack).add(5);
  }),
  must('halves of accessors that were taken away', (call) => {
    class Halves {
      get both() {
        return 1;
      }
      set both(_value: number) {}
      static get kept() {
        return 2;
      }
      static set kept(_value: number) {}
    }
    Object.defineProperty(Halves.prototype, 'both', { set: undefined });
    Object.defineProperty(Halves, 'kept', { get: undefined });
    return call(() => {
      const { get, set } = Object.getOwnPropertyDescriptor(Halves.prototype, 'both') ?? {};
      const { get: readsStatic, set: setsStatic } = Object.getOwnPropertyDescriptor(Halves, 'kept') ?? {};
      return [typeof get, typeof set, new Halves().both, typeof readsStatic, typeof setsStatic, Halves.kept];
    });
  }),
  must('actor: extends EventEmitter', (call) => call.actor(Emitter).fire('x')),
  must('actor: methods that call one another', (call) => {
    class Calls {
      a(x: number) {
        return this.b(x) + 1;
      }
      b(x: number) {
        return x * FACTOR;
      }
    }
    return call.actor(Calls).a(2);
  }),
];
