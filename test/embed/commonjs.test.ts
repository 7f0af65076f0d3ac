import assert from 'node:assert/strict';
import test from 'node:test';
import { Application } from '../support/application.ts';

const limit = { timeout: 120_000 };

test('a CommonJS application requires mobula; its tasks use what it requires', limit, async () => {
  using application = new Application(
    {
      'main.js': `
const { createHash } = require('node:crypto');
const { get, put, remote, shutdown, MobulaError } = require('mobula');
const { double } = require('./numbers');
const Counter = require('./counter');

const hash = remote((text) => createHash('sha256').update(text).digest('hex').length);
const sum = remote((numbers) => numbers.reduce((a, b) => a + double(b), 0));
const file = remote(() => [typeof require, __filename.endsWith('main.js')]);

async function main() {
  const counter = remote(Counter).remote(10);
  const results = await get([hash.remote('x'), sum.remote(put(new Float64Array(50_000).fill(1))), counter.add.remote(5), file.remote()]);
  const { MobulaError: imported } = await import('mobula');
  console.log(JSON.stringify([...results, imported === MobulaError]));
  await shutdown();
}
main();
`,
      'numbers.js': 'exports.double = (x) => x * 2;',
      'counter.js': `
const { double } = require('./numbers');
module.exports = class Counter {
  #n;
  constructor(start) {
    this.#n = start;
  }
  add(by) {
    return (this.#n += double(by));
  }
};
`,
    },
    { type: 'commonjs' },
  );
  const { code, output, errors } = await application.node(['main.js']);
  assert.equal(errors, '');
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(output), [64, 100_000, 20, ['function', true], true]);
});
