// TypeScript's old decorators (`experimentalDecorators`).
import { may, must, type Program } from '../inside/program.ts';

const PREFIX = 'logged';
const seen: string[] = [];

function logged(_target: any, _key: string, descriptor: PropertyDescriptor) {
  const method = descriptor.value;
  descriptor.value = function (this: any, ...args: any[]) {
    return [PREFIX, method.apply(this, args)];
  };
}
function times(by: number) {
  return (_target: any, _key: string, descriptor: PropertyDescriptor) => {
    const method = descriptor.value;
    descriptor.value = function (this: any, ...args: any[]) {
      return method.apply(this, args) * by;
    };
  };
}
function noted(_target: any, key: string) {
  seen.push(key);
}
function sealed(target: Function) {
  Object.seal(target.prototype);
}
function named(name: string) {
  return (target: any) => {
    target.title = name;
  };
}
function extended<T extends new (...args: any[]) => object>(target: T) {
  return class extends target {
    extra = 'extra';
  };
}
function parameter(_target: any, _key: string, _index: number) {}
function enumerable(_target: any, _key: string, descriptor: PropertyDescriptor) {
  descriptor.enumerable = true;
}

class Logged {
  @logged
  run(x: number) {
    return x + 1;
  }
}
class Twice {
  @times(2)
  @times(3)
  run(x: number) {
    return x;
  }
}
class Noted {
  @noted value = 1;
  read() {
    return this.value;
  }
}
class WithAccessor {
  #n = 1;
  @enumerable
  get n() {
    return this.#n;
  }
}
class StaticLogged {
  @logged
  static run(x: number) {
    return x + 1;
  }
}
class WithParameter {
  run(@parameter x: number) {
    return x;
  }
}
@sealed
class Sealed {
  value = 1;
}
@named('title')
class Named {
  read() {
    return (Named as any).title;
  }
}
@extended
class Extended {
  own = 'own';
}
class Child extends Logged {
  override run(x: number) {
    return ['child', super.run(x)] as any;
  }
}
class Undecorated {
  run(x: number) {
    return x + 1;
  }
}

export const programs: Program[] = [
  may('a method decorator', (call) => call((x: number) => new Logged().run(x), 1)),
  may('a method decorator, actor', (call) => call.actor(Logged).run(1)),
  may('two decorators with arguments', (call) => call((x: number) => new Twice().run(x), 1)),
  may('two decorators with arguments, actor', (call) => call.actor(Twice).run(1)),
  may('a field decorator', (call) => call(() => new Noted().read())),
  may('a field decorator, actor', (call) => call.actor(Noted).read()),
  may('an accessor decorator', (call) => call(() => new WithAccessor().n)),
  may('a static method decorator', (call) => call((x: number) => StaticLogged.run(x), 1)),
  may('a parameter decorator', (call) => call((x: number) => new WithParameter().run(x), 1)),
  may('a class decorator', (call) => call(() => [new Sealed().value, Object.isSealed(Sealed.prototype)])),
  may('a class decorator that adds a static property', (call) => call(() => new Named().read())),
  may('a class decorator that adds a static property, actor', (call) => call.actor(Named).read()),
  may('a class decorator that extends', (call) => call(() => ({ ...new Extended() }))),
  may('a class that extends a decorated one', (call) => call((x: number) => new Child().run(x), 1)),
  may('a class that extends a decorated one, actor', (call) => call.actor(Child).run(1)),
  must('a class beside decorated ones', (call) => call((x: number) => new Undecorated().run(x), 1)),
  must('a class beside decorated ones, actor', (call) => call.actor(Undecorated).run(1)),
  must('what a decorator has noted', (call) => call(() => seen)),
  must('a decorator as a plain function', (call) =>
    call(() => {
      const descriptor = { value: (x: number) => x + 1 };
      logged(undefined, 'x', descriptor);
      return (descriptor.value as any)(1);
    })),
];
