// What `new Function` makes, and what only looks like it: of a function that uses nothing but its parameters V8 is asked nothing.
import assert from 'node:assert/strict';
import { Session } from 'node:inspector';
import test from 'node:test';
import { runInThisContext } from 'node:vm';
import { CaptureError } from '../../../src/common/errors.ts';
import { type AnyFunction, captureFunction, reviveFunction } from '../../../src/core/functions/index.ts';

const host = {
  isPortable: () => false,
  findOwn: () => undefined,
  ownModule: () => undefined,
  checkValue: () => undefined,
};

const sent = async (fn: AnyFunction): Promise<AnyFunction> =>
  reviveFunction(structuredClone(captureFunction(fn, host)));

/** How often V8 was asked something meanwhile. */
function questions(body: () => void): number {
  const { post } = Session.prototype;
  let count = 0;
  Session.prototype.post = function (this: Session, ...args: never[]) {
    count += 1;
    return Reflect.apply(post, this, args);
  } as typeof post;
  try {
    body();
  } finally {
    Session.prototype.post = post;
  }
  return count;
}

const closed: readonly [parts: string[], args: unknown[]][] = [
  [['x', 'return x + 1;'], [1]],
  [
    ['a', 'b', 'if (a > 1e3 || !b) return a / 2.5; else return [a, b.length, ...b];'],
    [1, [2, 3]],
  ],
  [['x', 'return x?.y.z(x.w)[0x1f]'], [{ y: { z: () => ({ 31: 5 }) }, w: 1 }]],
  [['return arguments.length + this.Number(1)'], [1, 2]],
  [['x', 'return new.target === void 0 && typeof x'], [1]],
  [['...rest', 'return 1'], []],
];

for (const [parts, args] of closed) {
  test(`new Function(${JSON.stringify(parts)}) is what it is here`, async () => {
    const fn = new Function(...parts);
    assert.deepEqual((await sent(fn))(...args), fn(...args));
  });
}

test('V8 is asked nothing about a function of parameters alone', () => {
  assert.equal(
    questions(() => captureFunction(new Function('x', 'return x.length + 1;'), host)),
    0,
  );
  assert.ok(questions(() => captureFunction(new Function('x', 'return x + y;'), host)) > 0);
});

// Texts that use `secret` of the code around them, in ways that a look at words may miss.
const uses = [
  'return secret',
  'return [...secret]',
  'return x.y, secret',
  'return 1. + secret',
  'return x\n.y + secret',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source of one.
  'return `.${secret}`',
  'return ".\\n" + secret',
  'return s\\u0065cret',
  'return eval("secret")',
];

for (const text of uses) {
  test(`a function that only looks constructed keeps its variables: ${JSON.stringify(text)}`, async () => {
    const looksAlike = `function anonymous(x,s\n) {\n${text}\n}`;
    const fn = runInThisContext(`(() => { const secret = "a"; return ${looksAlike}; })()`) as AnyFunction;
    const x = { y: 1 };
    try {
      assert.deepEqual((await sent(fn))(x), fn(x));
    } catch (error) {
      assert.ok(error instanceof CaptureError && text.includes('eval'), String(error));
    }
  });
}

test('one in strict code stays strict', async () => {
  const fn = runInThisContext('"use strict"; (function anonymous(x\n) {\nreturn this\n})') as AnyFunction;
  assert.equal((await sent(fn))(), undefined);
  assert.equal((await sent(new Function('return this')))(), globalThis);
  assert.equal((await sent(new Function('"use strict"; return this')))(), undefined);
});

test('inside of it, `anonymous` is a name like any other', async () => {
  const fn = new Function('return typeof anonymous');
  const there = await sent(fn);
  assert.deepEqual([there(), there.name], [fn(), fn.name]);
  const other = new Function('x', 'const anonymous = x; return (() => anonymous + 1)();');
  assert.equal((await sent(other))(1), 2);
});

test('what was set on one goes with it', async () => {
  const fn = Object.assign(new Function('x', 'return x'), { step: 2 });
  assert.equal(Reflect.get(await sent(fn), 'step'), 2);
});
