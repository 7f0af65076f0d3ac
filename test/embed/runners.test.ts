import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { Application, repository } from '../support/application.ts';

const limit = { timeout: 120_000 };

/** Tests as an application has them: the functions under test are in the test file and in a module of the application. */
const body = `
const add = remote((a, b) => double(a) + b);
const counter = remote(Counter);

afterAll(() => shutdown());

test('a task', async () => {
  expect(await get(add.remote(1, 2))).toBe(4);
});
test('an actor', async () => {
  const one = counter.remote(10);
  expect(await get(one.add.remote(5))).toBe(20);
});
test('a large array', async () => {
  const sum = remote((numbers) => numbers.reduce((a, b) => a + b, 0));
  const ref = put(new Float64Array(50_000).fill(1));
  expect(await get(sum.remote(ref))).toBe(50_000);
  expect((await get(ref))[49_999]).toBe(1);
});
test('values of every kind', async () => {
  const echo = remote((value) => value);
  const value = { map: new Map([[1, new Set(['x'])]]), date: new Date(5), bytes: new Uint8Array([1, 2]), none: undefined };
  expect(await get(echo.remote(value))).toEqual(value);
});
test('an error', async () => {
  const fail = remote(() => {
    throw new RangeError('too far');
  }, { name: 'fail' });
  const error = await get(fail.remote()).catch((problem) => problem);
  expect(error).toBeInstanceOf(TaskError);
  expect(error.cause.message).toBe('too far');
});
test('what cannot travel', () => {
  const socket = new WeakMap();
  const use = remote(() => socket.has({}));
  expect(() => use.remote()).toThrow(CaptureError);
});
test('a stream', async () => {
  const count = remote(function* (n) {
    for (let i = 0; i < n; i++) yield i;
  });
  const seen = [];
  for await (const ref of count.remote(3)) seen.push(await get(ref));
  expect(seen).toEqual([0, 1, 2]);
});
`;
const names = 'CaptureError, get, put, remote, shutdown, TaskError';
const counterModule = (double: string, exports: string): string => `
${double}
${exports} class Counter {
  #n;
  constructor(start) {
    this.#n = start;
  }
  add(by) {
    this.#n += double(by);
    return this.#n;
  }
}
`;
const esm = {
  'numbers.js': 'export const double = (x) => x * 2;',
  'counter.js': counterModule("import { double } from './numbers.js';", 'export'),
};
const imports = `
import { ${names} } from 'mobula';
import { Counter } from './counter.js';
import { double } from './numbers.js';
`;

test('under vitest', limit, async () => {
  using application = new Application({
    ...esm,
    'mobula.test.js': `import { afterAll, expect, test } from 'vitest';${imports}${body}`,
  });
  application.link('vitest');
  const { code, output, errors } = await application.node([
    join(repository, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--no-color',
  ]);
  assert.equal(code, 0, output + errors);
  assert.match(output, /Tests {2}7 passed \(7\)/);
});

const jest = join(repository, 'node_modules/jest/bin/jest.js');

test('under jest, as ES modules', limit, async () => {
  using application = new Application(
    { ...esm, 'mobula.test.js': `${imports}${body}` },
    { type: 'module', jest: { testEnvironment: 'node', transform: {}, cacheDirectory: '.jest' } },
  );
  const { code, output, errors } = await application.node(['--experimental-vm-modules', jest]);
  assert.equal(code, 0, output + errors);
  assert.match(errors, /Tests: {7}7 passed, 7 total/);
});

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const requires = major > 24 || (major === 24 && minor >= 9);
const commonJs = { ...limit, skip: requires ? false : 'Jest can require an ES module on Node 24.9 and later only' };

test('under jest, as CommonJS', commonJs, async () => {
  using application = new Application(
    {
      'numbers.js': 'exports.double = (x) => x * 2;',
      'counter.js': counterModule("const { double } = require('./numbers');", 'exports.Counter ='),
      'mobula.test.js': `
const { ${names} } = require('mobula');
const { Counter } = require('./counter');
const { double } = require('./numbers');
${body}`,
    },
    { type: 'commonjs', jest: { testEnvironment: 'node', cacheDirectory: '.jest' } },
  );
  const { code, output, errors } = await application.node(['--experimental-vm-modules', jest]);
  assert.equal(code, 0, output + errors);
  assert.match(errors, /Tests: {7}7 passed, 7 total/);
});
