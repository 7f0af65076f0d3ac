// The decorators of the language, which compilers lower.
import { may, must, type Program } from '../inside/program.ts';

const PREFIX = 'logged';
const seen: string[] = [];

function logged(method: any, _context: any) {
  return function (this: any, ...args: any[]) {
    return [PREFIX, method.apply(this, args)];
  };
}
function times(by: number) {
  return (method: any, _context: any) =>
    function (this: any, ...args: any[]) {
      return method.apply(this, args) * by;
    };
}
function doubled(_value: undefined, _context: any) {
  return (initial: number) => initial * 2;
}
function noted(_value: any, context: any) {
  seen.push(String(context.name));
}
function bound(_method: any, context: any) {
  context.addInitializer(function (this: any) {
    this[context.name] = this[context.name].bind(this);
  });
}
function titled(target: any, _context: any) {
  target.title = 'title';
}
function replaced(target: any, _context: any) {
  return class extends target {
    extra = 'extra';
  };
}
function getter(get: any, _context: any) {
  return function (this: any) {
    return get.call(this) + 1;
  };
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
class Field {
  @doubled value = 3;
  read() {
    return this.value;
  }
}
class Noted {
  @noted
  run() {
    return 'noted';
  }
}
class Bound {
  n = 5;
  @bound
  read() {
    return this.n;
  }
}
class Getter {
  @getter
  get n() {
    return 1;
  }
}
class StaticLogged {
  @logged
  static run(x: number) {
    return x + 1;
  }
}
class PrivateLogged {
  @logged
  #run(x: number) {
    return x + 1;
  }
  call(x: number) {
    return this.#run(x);
  }
}
class AutoAccessor {
  @noted
  accessor n = 4;
}
@titled
class Titled {
  read() {
    return (Titled as any).title;
  }
}
@replaced
class Replaced {
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
  may('a field decorator', (call) => call(() => new Field().read())),
  may('a field decorator, actor', (call) => call.actor(Field).read()),
  may('a decorator that only notes', (call) => call(() => new Noted().run())),
  may('a decorator that only notes, actor', (call) => call.actor(Noted).run()),
  may('a decorator with an initialiser', (call) => call(() => { const { read } = new Bound(); return read(); })),
  may('a getter decorator', (call) => call(() => new Getter().n)),
  may('a static method decorator', (call) => call((x: number) => StaticLogged.run(x), 1)),
  may('a private method decorator', (call) => call((x: number) => new PrivateLogged().call(x), 1)),
  may('a private method decorator, actor', (call) => call.actor(PrivateLogged).call(1)),
  may('an accessor field', (call) => call(() => new AutoAccessor().n)),
  may('a class decorator that adds a static property', (call) => call(() => new Titled().read())),
  may('a class decorator that adds a static property, actor', (call) => call.actor(Titled).read()),
  may('a class decorator that replaces the class', (call) => call(() => ({ ...new Replaced() }))),
  may('a class that extends a decorated one', (call) => call((x: number) => new Child().run(x), 1)),
  may('a class that extends a decorated one, actor', (call) => call.actor(Child).run(1)),
  must('a class beside decorated ones', (call) => call((x: number) => new Undecorated().run(x), 1)),
  must('a class beside decorated ones, actor', (call) => call.actor(Undecorated).run(1)),
  must('what a decorator has noted', (call) => call(() => seen)),
  must('a decorator as a plain function', (call) => call(() => (logged((x: number) => x + 1, {}) as any)(1))),
];
