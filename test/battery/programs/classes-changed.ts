// Classes that were changed after their definition, and those that functions make. The classes stand in each of these files: one is captured with the module it
// stands in, and an imported one would be found there.
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

export const programs: Program[] = [
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
];
