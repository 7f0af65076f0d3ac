// Members of classes: computed, private and static ones, accessors, generators. The classes stand in each of these files: one is captured with the module it
// stands in, and an imported one would be found there.
import { may, must, type Program } from '../inside/program.ts';
import { scale } from './lib/geometry.ts';

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
];
