// The syntax of functions: each kind of function, and what can stand in one.
import { may, must, type Program } from '../inside/program.ts';

const FACTOR = 3;
const KEY = 'computed';
const helper = (x: number) => x * FACTOR;
const tag = (strings: TemplateStringsArray, ...values: unknown[]) => [strings.raw.join('|'), values];
async function* source(n: number) {
  for (let i = 0; i < n; i++) yield i * FACTOR;
}
const object = {
  factor: FACTOR,
  method(x: number) {
    return x * FACTOR;
  },
  async slow(x: number) {
    await null;
    return helper(x);
  },
  *items(n: number) {
    for (let i = 0; i < n; i++) yield helper(i);
  },
  async *stream(n: number) {
    yield* source(n);
  },
  [KEY](x: number) {
    return x + FACTOR;
  },
  [`${KEY}-2`]: (x: number) => x - FACTOR,
  get size() {
    return FACTOR;
  },
  usesThis() {
    return this.factor;
  },
  'quoted name'() {
    return FACTOR;
  },
  42() {
    return 42;
  },
};
const withGetter = {
  get value() {
    return FACTOR * 2;
  },
  plain: 1,
};
const withSuper = Object.setPrototypeOf(
  {
    greet() {
      return `${super.greet()}!`;
    },
  },
  { greet: () => 'hi' },
);

export const programs: Program[] = [
  must('a function expression', (call) => call(function (x: number) { return helper(x); }, 2)),
  must('a named function expression that calls itself', (call) =>
    call(function down(n: number): number[] {
      return n === 0 ? [FACTOR] : [n, ...down(n - 1)];
    }, 3)),
  must('an async arrow function', (call) => call(async (x: number) => helper(await Promise.resolve(x)), 2)),
  must('an async function', (call) => call(async function (x: number) { return helper(x); }, 2)),
  must('a generator', (call) => call(function* (n: number) { for (let i = 0; i < n; i++) yield helper(i); }, 4)),
  must('a generator that delegates', (call) => call(function* () { yield 0; yield* [1, 2]; yield* object.items(2); })),
  must('an async generator', (call) => call(async function* (n: number) { for await (const x of source(n)) yield x; }, 3)),
  must('an empty generator', (call) => call(function* () {})),
  must('a method', (call) => call(object.method, 2)),
  must('an async method', (call) => call(object.slow, 2)),
  must('a generator method', (call) => call(object.items, 3)),
  must('an async generator method', (call) => call(object.stream, 3)),
  must('a method with a computed name', (call) => call((object as any)[KEY], 3)),
  must('an arrow function in a computed property', (call) => call((object as any)[`${KEY}-2`], 3)),
  must('a method with a quoted name', (call) => call(object['quoted name'])),
  must('a method with a number for a name', (call) => call(object[42])),
  may('an object with a getter', (call) => call(() => [withGetter.value, withGetter.plain]), 'withGetter'),
  must('methods of a captured object, with this', (call) => {
    const tools = {
      by: 2,
      times(x: number) {
        return x * this.by;
      },
    };
    return call((x: number) => tools.times(x), 4);
  }),
  may('an object with a prototype of its own', (call) => call(() => withSuper.greet()), 'withSuper'),
  may('a method that uses super, by itself', (call) => call(withSuper.greet)),
  must('this of a plain function', (call) =>
    call(function (this: unknown) {
      return this === undefined || this === globalThis;
    })),
  may('this of the code around an arrow function', (call) => {
    class Around {
      base = 5;
      run() {
        return call((x: number) => this.base + x, 1);
      }
    }
    return new Around().run();
  }, 'this'),
  must('this of the code around, as advised: a constant', (call) => {
    class Around {
      base = 5;
      run() {
        const { base } = this;
        return call((x: number) => base + x, 1);
      }
    }
    return new Around().run();
  }),
  may('arguments of the code around an arrow function', (call) => {
    function around(..._rest: number[]) {
      return call(() => arguments.length);
    }
    return around(1, 2, 3);
  }, 'arguments'),
  must('arguments of its own', (call) => call(function (..._rest: number[]) { return [...arguments].length; }, 1, 2, 3)),
  may('new.target of the code around', (call) => {
    function Around(this: any) {
      this.result = call(() => new.target === undefined);
    }
    return new (Around as any)().result;
  }, 'new.target'),
  must('new.target of its own', (call) => call(function () { return new.target === undefined; })),
  must('a constructor function', (call) => {
    function Old(this: any, n: number) {
      this.n = n;
    }
    Old.prototype.get = function () {
      return this.n + FACTOR;
    };
    return call((n: number) => new (Old as any)(n).get(), 4);
  }),
  must('default parameters', (call) => call((x = FACTOR, y = helper(x), { z = y } = {}) => [x, y, z])),
  must('default parameters that are given', (call) => call((x = FACTOR, y = helper(x)) => [x, y], 1, undefined)),
  must('destructured parameters', (call) =>
    call(({ a, b: { c = FACTOR } = {} as any, ...rest }: any, [d, , e = 'e', ...f]: any) => [a, c, rest, d, e, f], { a: 1, x: 2 }, [1, 2, undefined, 4])),
  must('rest parameters', (call) => call((first: number, ...rest: number[]) => [first, rest], 1, 2, 3)),
  must('fewer arguments than parameters', (call) => call((a?: number, b?: number) => [a, b, 'end'], 1)),
  must('no result', (call) => call(() => {})),
  must('labels, break and continue', (call) =>
    call((n: number) => {
      const seen: number[] = [];
      outer: for (let i = 0; i < n; i++) {
        for (let j = 0; ; j++) {
          if (j > i) continue outer;
          if (i === 4) break outer;
          seen.push(i * FACTOR + j);
        }
      }
      return seen;
    }, 6)),
  must('loops with closures inside', (call) =>
    call(() => {
      const fns: (() => number)[] = [];
      for (let i = 0; i < 3; i++) fns.push(() => i * FACTOR);
      return fns.map((fn) => fn());
    })),
  must('variables that the function itself changes', (call) =>
    call((n: number) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += i;
      const add = () => {
        sum += FACTOR;
      };
      add();
      return sum;
    }, 5)),
  must('switch', (call) =>
    call((kind: string) => {
      switch (kind) {
        case KEY:
          return 'the key';
        default:
          return 'other';
      }
    }, 'computed')),
  must('try, catch and finally', (call) =>
    call(() => {
      const seen: string[] = [];
      try {
        try {
          throw new TypeError('inner');
        } catch ({ message }: any) {
          seen.push(message);
          throw new RangeError('outer');
        } finally {
          seen.push('finally');
        }
      } catch (error: any) {
        return [...seen, error.name];
      }
    })),
  must('a tagged template', (call) => call((x: number) => tag`a${x}\n${FACTOR}b`, 1)),
  must('one tagged template is one object', (call) =>
    call(() => {
      const give = (strings: TemplateStringsArray) => strings;
      const strings = () => give`a`;
      return strings() === strings();
    })),
  must('a template literal', (call) => call((x: number) => `${x}-${FACTOR}-${`${KEY}`}`, 1)),
  must('String.raw', (call) => call(() => String.raw`\n${FACTOR}`)),
  must('a regular expression with the y flag', (call) =>
    call((text: string) => {
      const word = /\w/y;
      const seen: unknown[] = [];
      for (let i = 0; i < 3; i++) seen.push(word.exec(text)?.[0], word.lastIndex);
      return seen;
    }, 'ab')),
  must('named groups and lookbehind', (call) => call((text: string) => ({ .../(?<=#)(?<word>\w+)/.exec(text)?.groups }), 'a #tag')),
  must('BigInt literals', (call) => call(() => [10n ** 20n, -5n / 2n, BigInt.asUintN(8, 257n)])),
  must('numeric separators and other bases', (call) => call(() => [1_000_000, 0xff, 0b101, 0o17, 1e-7])),
  must('optional chaining', (call) => call((x: any) => [x?.a?.b, x?.c?.(), x?.['d']], { a: { b: FACTOR } })),
  must('logical assignment', (call) => call((x: any) => { x.a ??= FACTOR; x.b ||= 2; x.c &&= 3; return x; }, { b: 0, c: 1 })),
  must('exponent, comma and void', (call) => call((x: number) => [x ** 2, (x, FACTOR), void x], 4)),
  must('spread', (call) => call((list: number[]) => [Math.max(...list, FACTOR), { ...{ a: 1 }, b: 2 }, [...'ab']], [1, 2])),
  must('getters and setters in an object', (call) =>
    call(() => {
      const box = {
        inner: 1,
        get value() {
          return this.inner * FACTOR;
        },
        set value(x) {
          this.inner = x;
        },
      };
      box.value = 5;
      return box.value;
    })),
  must('a class inside', (call) =>
    call((n: number) => {
      class Inside {
        #n = n;
        static by = FACTOR;
        get() {
          return this.#n * Inside.by;
        }
      }
      return new Inside().get();
    }, 4)),
  must('symbols', (call) =>
    call(() => {
      const mine = Symbol('mine');
      const iterable = {
        [mine]: 1,
        *[Symbol.iterator]() {
          yield FACTOR;
        },
      };
      return [...iterable, iterable[mine], mine.description];
    })),
  must('computed names', (call) => call((name: string) => ({ [name]: 1, [`${name}${FACTOR}`]: 2 }), 'k')),
  must('timers', (call) => call(async () => { await new Promise((resolve) => setTimeout(resolve, 1)); return FACTOR; })),
  must('promises', (call) => call(() => Promise.all([1, Promise.resolve(2), (async () => FACTOR)()]))),
  must('a thenable as a result', (call) => call(() => ({ then: (resolve: (x: number) => void) => resolve(FACTOR) }))),
  must('a rejected promise', (call) => call(() => Promise.reject(new RangeError('rejected')))),
  must('for await', (call) => call(async () => { const seen = []; for await (const x of source(3)) seen.push(x); return seen; })),
  must('a Proxy inside', (call) => call(() => new Proxy({ a: 1 } as any, { get: (target, key) => target[key] ?? FACTOR }).missing)),
  must('WeakMap and WeakRef inside', (call) => call(() => { const key = {}; return new WeakMap([[key, FACTOR]]).get(key); })),
  may('direct eval of a captured name', (call) => call(() => eval('FACTOR'))),
  may('direct eval beside a captured name', (call) => call((code: string) => eval(code) + FACTOR, '1 + 1')),
  must('indirect eval', (call) => call((code: string) => (0, eval)(code) + FACTOR, '1 + 1')),
  must('the Function constructor', (call) => call(() => new Function('a', 'return a + 1')(FACTOR))),
  may('a function made by the Function constructor', (call) => call(new Function('a', 'return a + 1') as any, 1)),
  must('a function made by the Function constructor, called inside', (call) => call((x: number) => helper(x), 1)),
  must('comments and strings that look like code', (call) =>
    call((x: number) => {
      // FACTOR = 5; }
      const text = '}) => { helper'; /* ` */
      return [text, x, `}${'`'}`, /[}/]/.source];
    }, 1)),
  must('text in many scripts', (call) => call(() => ['ü', '日本', '👩‍👩‍👧', '\u{1F600}', '\ud800', FACTOR])),
  must('a function of the text after text of two and four bytes', (call) => {
    const emoji = '👍 ü';
    return call(() => [emoji, emoji.length, helper(1)]);
  }),
  must('toString of a captured function', (call) => call(() => typeof helper.toString())),
  must('a function with no braces that gives an object', (call) => call((x: number) => ({ x, FACTOR }), 1)),
  must('nested arrow functions that use all scopes', (call) => {
    const a = 1;
    return call((b: number) => {
      const c = 3;
      return ((d: number) => [a, b, c, d, FACTOR, helper(d)])(4);
    }, 2);
  }),
  must('var hoisting', (call) =>
    call(() => {
      const before = typeof later;
      var later = FACTOR;
      return [before, later, typeof inner()];
      function inner() {
        return later;
      }
    })),
  must('delete, in and typeof', (call) =>
    call((object: any) => {
      delete object.a;
      return ['a' in object, 'b' in object, typeof missingName, typeof FACTOR];
    }, { a: 1, b: 2 })),
  must('a global that does not exist', (call) => call(() => (globalThis as any).missingName?.x ?? FACTOR)),
  must('a name that does not exist: ReferenceError', (call) => call(() => missingName)),
];
declare const missingName: any;
