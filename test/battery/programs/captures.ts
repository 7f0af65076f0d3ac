// What functions close over: constants, variables, helpers, and the syntax around them.
import { may, must, type Program } from '../inside/program.ts';

const LIMIT = 7;
const RATE = 0.25;
const GREETING = 'hello';
const HUGE = 12345678901234567890n;
const NOTHING = null;
const UNDEFINED = undefined;
const NEGATIVE_ZERO = -0;
const NAN = NaN;
const SHARED_SYMBOL = Symbol.for('battery.shared');
const UNIQUE_SYMBOL = Symbol('unique');
const WORD = /w(o)rd/giu;
const LIST = [1, 2, [3, 4]];
const TABLE = { a: 1, b: { c: [true, null] } };
const LOOKUP = new Map<unknown, unknown>([
  ['one', 1],
  [2, 'two'],
  [NaN, 'nan'],
]);
const MEMBERS = new Set(['x', 'y']);
const WHEN = new Date(86_400_000);
const BYTES = new Uint8Array([1, 2, 3]);
const TWIN_A = { name: 'twin' };
const TWINS = [TWIN_A, TWIN_A];
const RING: any = { name: 'ring' };
RING.self = RING;

function double(x: number) {
  return x * 2;
}
const triple = (x: number) => x * 3;
const compose =
  (...fns: ((x: number) => number)[]) =>
  (x: number) =>
    fns.reduce((value, fn) => fn(value), x);
const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
function fibonacci(n: number): number {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
function isEven(n: number): boolean {
  return n === 0 || isOdd(n - 1);
}
function isOdd(n: number): boolean {
  return n !== 0 && isEven(n - 1);
}
const operations = { add: (a: number, b: number) => a + b, limit: LIMIT, deep: { twice: double } };
const handlers = new Map([['double', double]]);
const steps = [double, triple];
function counted() {
  return counted.calls + 1;
}
counted.calls = 5;

const makeAdder = (by: number) => (x: number) => x + by;
const addFive = makeAdder(5);
function makeCounter(start: number) {
  let count = start;
  return () => ++count;
}
function makePair(value: number) {
  const other = value * 2;
  return { first: () => value, second: () => other };
}
function once<T>(make: () => T) {
  let value: T | undefined;
  return () => (value ??= make());
}

var hoisted = 4;
var { alpha, beta: renamed = 9, ...others } = { alpha: 1, gamma: 3, delta: 4 } as any;
const [head, , third = 'default', ...tail] = ['h', 'x', undefined, 't1', 't2'] as any[];
let initialised = 3;

export const programs: Program[] = [
  // Constants at the top level.
  must('no capture', (call) => call((a: number, b: number) => a + b, 1, 2)),
  must('a number', (call) => call(() => LIMIT)),
  must('a fraction', (call) => call((x: number) => x * RATE, 3)),
  must('a string', (call) => call((who: string) => `${GREETING}, ${who}`, 'you')),
  must('a BigInt', (call) => call(() => HUGE * 3n)),
  must('null', (call) => call(() => NOTHING)),
  must('undefined', (call) => call(() => [UNDEFINED, 'UNDEFINED'])),
  must('negative zero', (call) => call(() => [NEGATIVE_ZERO, 1 / NEGATIVE_ZERO])),
  must('NaN', (call) => call(() => NAN)),
  must('a registered symbol', (call) => call(() => SHARED_SYMBOL === Symbol.for('battery.shared'))),
  may('a unique symbol', (call) => call(() => String(UNIQUE_SYMBOL)), 'UNIQUE_SYMBOL'),
  must('a regular expression with flags', (call) => call((text: string) => text.replace(WORD, '<$1>'), 'Word word')),
  must('the flags and source of a regular expression', (call) => call(() => [WORD.flags, WORD.source, WORD.lastIndex])),
  must('an array', (call) => call(() => LIST)),
  must('an object', (call) => call(() => TABLE)),
  must('a Map', (call) => call(() => [...LOOKUP, LOOKUP.get(NaN)])),
  must('a Set', (call) => call(() => [...MEMBERS])),
  must('a Date', (call) => call(() => WHEN.toISOString())),
  must('a typed array', (call) => call(() => BYTES.map((byte) => byte * 2))),
  must('one object in two places', (call) => call(() => TWINS[0] === TWINS[1] && TWINS[0] === TWIN_A)),
  must('a cycle', (call) => call(() => RING.self === RING && RING)),
  must('a let with an initialiser', (call) => call(() => initialised)),
  must('a var', (call) => call(() => hoisted)),
  must('destructured variables', (call) => call(() => [alpha, renamed, others])),
  must('destructured array elements', (call) => call(() => [head, third, tail])),

  // Functions that functions use.
  must('a function declaration', (call) => call((x: number) => double(x), 4)),
  must('an arrow function', (call) => call((x: number) => triple(x), 4)),
  must('functions given to a function', (call) => call((x: number) => compose(double, triple)(x), 4)),
  must('recursion', (call) => call(factorial, 10)),
  must('recursion of a declaration', (call) => call(fibonacci, 12)),
  must('mutual recursion', (call) => call(isEven, 11)),
  must('functions in an object', (call) => call((x: number) => operations.add(x, operations.deep.twice(x)), 3)),
  must('functions in a Map', (call) => call((x: number) => handlers.get('double')?.(x), 3)),
  must('functions in an array', (call) => call((x: number) => steps.reduce((v, step) => step(v), x), 3)),
  must('properties of a function', (call) => call(() => counted())),
  must('name and length of functions', (call) => call(() => [double.name, double.length, triple.name, makeAdder.length])),
  must('one function in two places', (call) => call(() => steps[0] === double && handlers.get('double') === double)),
  must('Function.prototype.call and apply', (call) => call((x: number) => [double.call(null, x), triple.apply(null, [x])], 2)),
  must('bind inside the function', (call) => call((x: number) => operations.add.bind(null, 10)(x), 2)),
  may('a bound function', (call) => call(double.bind(null, 4))),
  may('a captured bound function', (call) => {
    const bound = operations.add.bind(null, 3);
    return call(() => bound(4));
  }, 'bound'),
  must('a bound function, as advised: an arrow function', (call) => {
    const bound = (x: number) => operations.add(3, x);
    return call(() => bound(4));
  }),
  may('a native function by itself', (call) => call(Math.floor, 1.5)),
  must('a native function, as advised: wrapped', (call) => call((x: number) => Math.floor(x), 1.5)),
  must('captured native functions', (call) => {
    const { floor, max } = Math;
    const parse = JSON.parse;
    return call((x: number) => [floor(x), max(x, 9), parse('{"a":[1]}')], 2.5);
  }),
  must('captured built-in objects', (call) => {
    const math = Math;
    const json = JSON;
    const reflect = Reflect;
    return call(() => [math.sqrt(16), json.stringify({ a: 1 }), reflect.ownKeys({ b: 1 })]);
  }),
  must('captured built-in classes', (call) => {
    const classes = { List: Array, When: Date, Fail: RangeError };
    return call(() => [new classes.List(3).length, new classes.When(5), new classes.Fail('x')]);
  }),
  must('captured methods of prototypes', (call) => {
    const { hasOwnProperty } = Object.prototype;
    const slice = Array.prototype.slice;
    return call(() => [hasOwnProperty.call({ a: 1 }, 'a'), slice.call([1, 2, 3], 1)]);
  }),
  must('globals', (call) => call(() => [typeof process, typeof structuredClone, typeof URL, typeof globalThis])),

  // Closures in factories.
  must('a closure of a factory', (call) => call(addFive, 1)),
  must('two closures of one factory with other values', async (call) => [
    await call(makeAdder(1), 10),
    await call(makeAdder(2), 10),
    await call(makeAdder(3), 10),
  ]),
  must('closures of one factory that share a scope', async (call) => {
    const pair = makePair(4);
    return [await call(pair.first), await call(pair.second)];
  }),
  must('two closures used by one function', (call) => {
    const [one, two] = [makeAdder(1), makeAdder(2)];
    return call((x: number) => [one(x), two(x), one(two(x))], 5);
  }),
  must('closures of many values', async (call) => {
    const results: unknown[] = [];
    for (const value of [0, '', null, undefined, -0, 'a', 1n]) {
      const keep = ((captured: unknown) => () => captured)(value);
      results.push(await call(keep));
    }
    return results;
  }),
  must('a closure of a closure', (call) => {
    const outer = (a: number) => (b: number) => (c: number) => [a, b, c];
    return call(outer(1)(2), 3);
  }),
  must('a parameter of the function around', (call) => {
    function around(first: number, { second }: { second: number }, [third] = [3], ...rest: number[]) {
      return call(() => [first, second, third, rest]);
    }
    return around(1, { second: 2 }, undefined, 4, 5);
  }),
  must('a catch parameter', (call) => {
    try {
      throw { reason: 'why' };
    } catch (problem: any) {
      return call(() => problem.reason);
    }
  }),
  must('a block-scoped constant', (call) => {
    {
      const inner = 'inner';
      return call(() => inner);
    }
  }),
  must('an immediately invoked function', (call) => {
    const made = (() => {
      const secret = 42;
      return () => secret;
    })();
    return call(made);
  }),
  must('a constant of each turn of a for-of loop', async (call) => {
    const fns: (() => string)[] = [];
    for (const word of ['a', 'b', 'c']) fns.push(() => word);
    return Promise.all(fns.map((fn) => call(fn)));
  }),
  must('a constant in the body of a loop', async (call) => {
    const fns: (() => number)[] = [];
    for (let i = 0; i < 3; i++) {
      const square = i * i;
      fns.push(() => square);
    }
    return Promise.all(fns.map((fn) => call(fn)));
  }),
  may('the variable of a for loop', async (call) => {
    const fns: (() => number)[] = [];
    for (let i = 0; i < 3; i++) fns.push(() => i);
    return Promise.all(fns.map((fn) => call(fn)));
  }, 'i'),
  must('the key of a for-in loop', async (call) => {
    const fns: (() => string)[] = [];
    for (const key in { x: 1, y: 2 }) fns.push(() => key);
    return Promise.all(fns.map((fn) => call(fn)));
  }),
  may('a var of a loop, which all closures share', async (call) => {
    const fns: (() => number)[] = [];
    for (var j = 0; j < 3; j++) fns.push(() => j);
    return Promise.all(fns.map((fn) => call(fn)));
  }, 'j'),
  must('a shadowed variable', (call) => {
    const value = 'outer';
    const read = () => value;
    return call((text: string) => {
      const value = text;
      return [value, read()];
    }, 'inner');
  }),
  must('a parameter that shadows', (call) => call((LIMIT: number) => [LIMIT, initialised], 99)),
  must('a global that is shadowed', (call) => {
    const Math = { floor: () => 'mine' };
    return call(() => Math.floor());
  }),
  must('a local named like a helper of the module', (call) => {
    const double = (x: number) => x + 1000;
    return call((x: number) => [double(x), compose(triple)(x)], 1);
  }),
  must('names of many lengths', (call) => {
    const $ = 1;
    const _ = 2;
    const ünïcode = 3;
    const \u0061bc = 4;
    return call(() => [$, _, ünïcode, abc]);
  }),
  must('a name that is a word of another position', (call) => {
    const of = 1;
    const async = 2;
    const get = 3;
    const type = 4;
    return call(() => ({ of, async, get, type }));
  }),
];
