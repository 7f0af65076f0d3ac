// Classes: captured, and constructed in a worker. The classes stand in each of these files: one is captured with the module it
// stands in, and an imported one would be found there.
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
];
