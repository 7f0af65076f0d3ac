// Classes: captured, constructed in a worker, and as actors.
import { EventEmitter } from 'node:events';
import { may, must, type Program } from '../inside/program.ts';
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

class Statics {
  static list = [1, 2];
  static table: Record<string, number> = {};
  static total: number;
  static {
    for (const item of Statics.list) Statics.table[`k${item}`] = item;
    Statics.total = Statics.list.length;
  }
  static sum() {
    return [Statics.total, Statics.table];
  }
}

class Chain extends Array<number> {
  sum() {
    return this.reduce((a, b) => a + b, 0);
  }
}
class Registry extends Map<string, number> {
  add(key: string) {
    return this.set(key, (this.get(key) ?? 0) + 1);
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


// Classes that are changed after they were defined.
class Mixed {
  own() {
    return 'own';
  }
}
Object.assign(Mixed.prototype, {
  mixed() {
    return `mixed ${FACTOR}`;
  },
});
class Wrapped {
  run(x: number) {
    return x + 1;
  }
}
const original = Wrapped.prototype.run;
Wrapped.prototype.run = function (x: number) {
  return original.call(this, x) * 100;
};
class WithStatic {
  static config: any;
  static read() {
    return WithStatic.config;
  }
}
WithStatic.config = { added: true };
class Defined {
  value = 1;
}
Object.defineProperty(Defined.prototype, 'double', {
  get(this: any) {
    return this.value * 2;
  },
});
class Deleted {
  kept() {
    return typeof (this as any).gone;
  }
  gone() {
    return 1;
  }
}
delete (Deleted.prototype as any).gone;
class PatchedBase {
  name() {
    return 'base';
  }
}
class OfPatchedBase extends PatchedBase {
  read() {
    return `${this.name()}/${super.name()}`;
  }
}
PatchedBase.prototype.name = () => 'patched';
class Reparented {
  kind() {
    return super.toString === Object.prototype.toString ? 'plain' : (this as any).inherited();
  }
}
Object.setPrototypeOf(Reparented.prototype, {
  inherited() {
    return 'inherited';
  },
});
class StaticMixed {
  run() {
    return (StaticMixed as any).helper(2);
  }
}
Object.assign(StaticMixed, { helper: (x: number) => x * FACTOR });
class SymbolPatched {}
(SymbolPatched.prototype as any)[Symbol.iterator] = function* () {
  yield FACTOR;
};
class ConstantOnPrototype {
  read() {
    return (this as any).defaults;
  }
}
(ConstantOnPrototype.prototype as any).defaults = { list: [FACTOR] };

// Mixins that are functions.
const Timed = (Parent: any) =>
  class extends Parent {
    timed() {
      return `timed ${super.describe()}`;
    }
  };
const Tagged = (Parent: any, tag: string) =>
  class extends Parent {
    tag = tag;
    tagged() {
      return `${this.tag} ${this.describe()}`;
    }
  };
const Both = Tagged(Timed(Base), 'tag');
function makeClass(by: number) {
  return class Made {
    times(x: number) {
      return x * by;
    }
  };
}
const Twice = makeClass(2);
const Thrice = makeClass(3);

// More of what a class can have.
const method = 'computed';
const symbol = Symbol.for('battery.method');
class Computed {
  [method](x: number) {
    return x + FACTOR;
  }
  [symbol]() {
    return 'by symbol';
  }
  read() {
    return [(this as any)[method](1), (this as any)[symbol](), method];
  }
}
class ComputedOnly {
  [method]() {
    return 'only';
  }
}
class ComputedField {
  [`${method}1`] = 'field';
}
class Iterable {
  *[Symbol.iterator]() {
    yield* [1, 2, FACTOR];
  }
  async *[Symbol.asyncIterator]() {
    yield FACTOR;
  }
  get [Symbol.toStringTag]() {
    return 'Iterable';
  }
  [Symbol.toPrimitive](hint: string) {
    return hint === 'number' ? FACTOR : `<${hint}>`;
  }
  static [Symbol.hasInstance](value: unknown) {
    return value === FACTOR;
  }
}
class PrivateStatic {
  static #count = 0;
  static #bump() {
    return ++PrivateStatic.#count;
  }
  static next() {
    return PrivateStatic.#bump();
  }
}
class PrivateCounted {
  static #made = 0;
  id = ++PrivateCounted.#made;
}
const madeHereId = new PrivateCounted().id;
class StaticThis {
  static base = 2;
  static double = this.base * 2;
  static self = () => this.base;
  static get total() {
    return this.base + this.double;
  }
  static set total(value) {
    this.base = value;
  }
}
class Accessors {
  #celsius = 0;
  get fahrenheit() {
    return this.#celsius * 1.8 + 32;
  }
  set fahrenheit(value) {
    this.#celsius = (value - 32) / 1.8;
  }
  static get unit() {
    return 'F';
  }
}
class Abstract {
  constructor() {
    if (new.target === Abstract) throw new TypeError('abstract');
  }
  kind() {
    return new.target === undefined;
  }
}
class Concrete extends Abstract {}
class NullParent extends (null as any) {
  static make() {
    return Object.create(NullParent.prototype).value();
  }
  value() {
    return FACTOR;
  }
}
const Expression = class Named {
  static me() {
    return Named === Expression;
  }
  name() {
    return Named.name;
  }
};
const anonymous = class {
  value = FACTOR;
};
class Node {
  children: Node[] = [];
  parent: Node | undefined;
  add() {
    const child = new Node();
    child.parent = this;
    this.children.push(child);
    return child;
  }
  static depth(node: Node): number {
    return 1 + Math.max(0, ...node.children.map(Node.depth));
  }
}
class Left {
  other() {
    return new Right().name();
  }
  name() {
    return 'left';
  }
}
class Right {
  other() {
    return new Left().name();
  }
  name() {
    return 'right';
  }
}
class Generators {
  *sync() {
    yield this.items;
  }
  async *later() {
    yield* [1, FACTOR];
  }
  items = [1];
}
class OldStyle {
  declare n: number;
}
function Legacy(this: any, n: number) {
  this.n = n;
}
Legacy.prototype.get = function () {
  return this.n * FACTOR;
};
Legacy.create = (n: number) => new (Legacy as any)(n).get();
function LegacyChild(this: any, n: number) {
  Legacy.call(this, n);
}
LegacyChild.prototype = Object.create(Legacy.prototype);
LegacyChild.prototype.constructor = LegacyChild;
LegacyChild.prototype.more = function () {
  return this.get() + 1;
};
let instances = 0;
class CountsInstances {
  constructor() {
    instances += 1;
  }
  count() {
    return instances;
  }
}
class StaticMap {
  static cache = new Map([['a', 1]]);
  static when = new Date(5);
  static pattern = /x/g;
  static read() {
    return [StaticMap.cache, StaticMap.when, StaticMap.pattern];
  }
}
class StaticInstance {
  static shared = new StaticInstance();
  value = FACTOR;
  static read() {
    return StaticInstance.shared.value;
  }
}
class StaticFunction {
  static handler = (x: number) => x * FACTOR;
  static handlers = { twice: (x: number) => x * 2 };
  static run(x: number) {
    return StaticFunction.handler(StaticFunction.handlers.twice(x));
  }
}
class StaticChanged {
  static list = [1];
  static count = 0;
  static read() {
    return [StaticChanged.list, StaticChanged.count];
  }
}
StaticChanged.list.push(2);
StaticChanged.count = 5;

export const programs: Program[] = [
  must('a class that is captured', (call) => call((n: number) => [new Plain(n).times(2), new Plain(n).twice], 4)),
  must('a setter', (call) =>
    call(() => {
      const plain = new Plain();
      plain.half = 5;
      return plain.n;
    })),
  must('a static method', (call) => call((n: number) => Plain.of(n).n, 4)),
  must('fields', (call) =>
    call(() => {
      const fields = new Fields();
      return [fields.a, fields.b, fields.push(1), fields.arrow()];
    })),
  must('private members', (call) => call(() => [new Hidden(3).reveal(), Hidden.isHidden(new Hidden(1)), Hidden.isHidden({})])),
  must('inheritance', (call) => call(() => [new Derived('d').describe(), new Derived('d').parentKind()])),
  must('inheritance of three classes', (call) => call(() => [new Most('m').describe(), new Most('m') instanceof Base])),
  must('an inherited static method', (call) => call(() => (Derived as any).create('x').describe())),
  must('static fields and blocks', (call) => call(() => Statics.sum())),
  must('a class that extends Array', (call) => call(() => [Chain.from([1, 2, 3]).sum(), Chain.of(1, 2).map((x) => x * 2).sum()])),
  must('a class that extends Map', (call) => call(() => [...new Registry().add('a').add('a')])),
  must('a class that extends Error', (call) =>
    call(() => {
      const failure = new Failure('bad');
      return [failure.status, failure.name, failure instanceof Error, failure instanceof Failure];
    })),
  must('a class that extends one of Node', (call) => call((x: number) => new Emitter().fire(x), 5)),
  must('a class that extends an imported one', (call) => call(() => [new Pixel(3, 4).length(), new Pixel(0, 0).color])),
  must('name and length of classes', (call) => call(() => [Plain.length, Derived.length, Base.kind])),
  must('instanceof', (call) => call(() => [new Plain() instanceof Plain, {} instanceof (Plain as any)])),
  may('an instance that is captured', (call) => {
    const instance = new Plain(3);
    return call(() => instance.times(2));
  }, 'instance'),
  must('an instance, as advised: made in the function', (call) => {
    const data = { n: 3 };
    return call(() => new Plain(data.n).times(2));
  }),
  may('an instance as an argument', (call) => call((plain: Plain) => plain.n, new Plain(3)), 'args[0]'),
  may('an instance as a result', (call) => call((n: number) => new Plain(n), 3)),

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

  // Changed after the definition.
  may('mixed in by Object.assign', (call) => call(() => [new Mixed().own(), (new Mixed() as any).mixed()])),
  may('mixed in by Object.assign, actor', async (call) => {
    const mixed = call.actor(Mixed);
    return [await mixed.own(), await mixed.mixed()];
  }),
  may('a wrapped method', (call) => call((x: number) => new Wrapped().run(x), 1)),
  may('a wrapped method, actor', (call) => call.actor(Wrapped).run(1)),
  must('a static property that was added', (call) => call(() => WithStatic.read())),
  may('an accessor that was added', (call) => call(() => (new Defined() as any).double)),
  may('a method that was deleted', (call) => call(() => new Deleted().kept())),
  may('a superclass that was changed', (call) => call(() => new OfPatchedBase().read())),
  may('a superclass that was changed, actor', (call) => call.actor(OfPatchedBase).read()),
  may('another prototype', (call) => call(() => new Reparented().kind())),
  must('a static function that was added', (call) => call(() => new StaticMixed().run())),
  must('a static function that was added, actor', (call) => call.actor(StaticMixed).run()),
  may('an iterator that was added', (call) => call(() => [...(new SymbolPatched() as any)])),
  may('data on the prototype', (call) => call(() => new ConstantOnPrototype().read())),
  may('a wrapped method of an imported class', (call) => {
    class Local extends Point {}
    const length = Local.prototype.length;
    Local.prototype.length = function () {
      return length.call(this) + 1;
    };
    return call(() => new Local(3, 4).length());
  }),
  must('wrapped methods, as advised: a subclass', (call) => {
    class Louder extends Base {
      override describe() {
        return super.describe().toUpperCase();
      }
    }
    return call(() => new Louder('a').describe());
  }),

  // Mixins and classes of factories.
  must('a mixin', (call) => call(() => [new Both('b').timed(), new Both('b').tagged(), new Both('b') instanceof Base])),
  must('a mixin, actor', (call) => call.actor(Both, 'b').tagged()),
  must('classes of a factory', (call) => call((x: number) => [new Twice().times(x), new Thrice().times(x)], 2)),
  must('classes of a factory, actors', async (call) => [
    await call.actor(Twice).times(2),
    await call.actor(Thrice).times(2),
  ]),
  must('a class that extends the value of a call', (call) => {
    class Late extends makeClass(5) {
      twice(x: number) {
        return this.times(this.times(x));
      }
    }
    return call((x: number) => new Late().twice(x), 1);
  }),
  must('a class in a closure', (call) => {
    const secret = 'secret';
    class Inner {
      tell() {
        return secret;
      }
    }
    return call(() => new Inner().tell());
  }),
  must('a class in a closure, actor', (call) => {
    const secret = { n: 4 };
    return call.actor(
      class {
        tell() {
          return secret;
        }
      },
    ).tell();
  }),
  must('classes in an object', (call) => {
    const types = { Plain, Derived };
    return call((name: string) => new types.Derived(name).describe(), 'n');
  }),

  // Members.
  must('computed names and symbols', (call) => call(() => new Computed().read())),
  must('computed names and symbols, actor', (call) => call.actor(Computed).read()),
  may('a computed name that no method uses', (call) => call(() => (new ComputedOnly() as any).computed())),
  may('a computed name that no method uses, actor', (call) => call.actor(ComputedOnly).computed()),
  may('a computed name of a field', (call) => call(() => (new ComputedField() as any).computed1)),
  must('symbol methods', (call) =>
    call(async () => {
      const later = [];
      for await (const item of new Iterable()) later.push(item);
      return [[...new Iterable()], later, String(Object.prototype.toString.call(new Iterable())), +(new Iterable() as any), `${new Iterable()}`, (3 as any) instanceof Iterable];
    })),
  must('private static members', (call) => call(() => [PrivateStatic.next(), PrivateStatic.next()].map((n, i) => n - i > 0))),
  may('a private static field that has changed', (call) => call(() => [madeHereId, new PrivateCounted().id > madeHereId])),
  must('this in static fields', (call) => call(() => [StaticThis.double, StaticThis.self(), StaticThis.total])),
  must('accessors', (call) =>
    call(() => {
      const accessors = new Accessors();
      accessors.fahrenheit = 212;
      return [Math.round(accessors.fahrenheit), Accessors.unit];
    })),
  must('new.target', (call) => call(() => new Concrete().kind())),
  must('new.target that throws', (call) => call(() => new Abstract())),
  must('a class that extends null', (call) => call(() => NullParent.make())),
  must('the inner name of a class expression', (call) => call(() => [Expression.me(), typeof new Expression().name()])),
  must('an anonymous class', (call) => call(() => new anonymous().value)),
  must('an anonymous class, actor', (call) =>
    call.actor(
      class {
        n = 0;
        up() {
          return ++this.n;
        }
      },
    ).up()),
  must('a class that makes its own', (call) => call(() => { const node = new Node(); node.add().add(); return Node.depth(node); })),
  must('classes that use one another', (call) => call(() => [new Left().other(), new Right().other()])),
  must('generator methods', (call) => call(async () => { const seen: unknown[] = [...new Generators().sync()]; for await (const x of new Generators().later()) seen.push(x); return seen; })),
  must('async generator method of an actor', (call) => call.actor(Generators).later()),
  must('a declared field', (call) => call(() => Object.keys(new OldStyle()))),
  must('a constructor function with a prototype', (call) => call((n: number) => [new (Legacy as any)(n).get(), Legacy.create(n)], 2)),
  may('constructor functions that inherit', (call) => call((n: number) => new (LegacyChild as any)(n).more(), 2)),
  may('a class that counts in a variable', (call) => call(() => { new CountsInstances(); return 1; }), 'instances'),
  must('static data', (call) => call(() => StaticMap.read())),
  must('a static instance of the class itself', (call) => call(() => StaticInstance.read())),
  must('static functions', (call) => call((x: number) => StaticFunction.run(x), 2)),
  must('static fields that were changed', (call) => call(() => StaticChanged.read())),
  must('a class compared with itself', (call) => call(() => [new Plain().constructor === Plain, Object.getPrototypeOf(Derived) === Base])),
  must('toJSON and valueOf', (call) => {
    class Money {
      n: number;
      constructor(n: number) {
        this.n = n;
      }
      toJSON() {
        return `${this.n} EUR`;
      }
      valueOf() {
        return this.n;
      }
    }
    return call(() => [JSON.stringify({ price: new Money(3) }), (new Money(2) as any) + 1]);
  }),
  must('a method taken out of an instance', (call) => call(() => { const { times } = new Plain(2); return times.call(new Plain(3), 2); })),
  may('a method of a class by itself', (call) => call(Plain.prototype.times)),
  may('a static method by itself', (call) => call(Plain.of as any, 3)),
  must('an object with methods that use one another', (call) => {
    const service = {
      prefix: 'p',
      name(x: string) {
        return `${this.prefix}-${x}`;
      },
      all(list: string[]) {
        return list.map((x) => this.name(x));
      },
    };
    return call(() => service.all(['a', 'b']));
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
