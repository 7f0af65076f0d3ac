import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from '../random.ts';
import { bruteForce } from './brute-force.ts';
import type { Operation } from './history.ts';
import { checkLinearizable, type Model } from './linearizable.ts';
import {
  appendLog,
  type LogInput,
  type LogResult,
  type RegisterInput,
  type RegisterResult,
  register,
} from './models.ts';

type Line<I, R> = readonly [input: I, result: R | 'open', invoked: number, returned?: number];

function history<I, R>(...lines: readonly Line<I, R>[]): Operation<I, R>[] {
  return lines.map(([input, result, invoked, returned], i) => ({
    client: `c${i}`,
    key: 'k',
    input,
    invoked,
    returned,
    result: result === 'open' ? undefined : result,
  }));
}

const verdict = <S, I, R>(model: Model<S, I, R>, lines: readonly Line<I, R>[]): string | undefined =>
  checkLinearizable(history(...lines), model)[0]?.is;

const read = { do: 'read' } as const;
const write = (value: string) => ({ do: 'write', value }) as const;
const cas = (expect: string | null, value: string) => ({ do: 'cas', expect, value }) as const;
const append = (entry: string, at?: number): LogInput => ({ do: 'append', entry, ...(at === undefined ? {} : { at }) });

const registers: readonly { name: string; right: boolean; lines: readonly Line<RegisterInput, RegisterResult>[] }[] = [
  {
    name: 'one after another',
    right: true,
    lines: [
      [write('a'), null, 1, 2],
      [read, 'a', 3, 4],
    ],
  },
  {
    name: 'a value never written',
    right: false,
    lines: [
      [write('a'), null, 1, 2],
      [read, 'b', 3, 4],
    ],
  },
  {
    name: 'a read of the time before',
    right: false,
    lines: [
      [write('a'), null, 1, 2],
      [read, null, 3, 4],
    ],
  },
  {
    name: 'a read beside a write has the old value',
    right: true,
    lines: [
      [write('a'), null, 1, 4],
      [read, null, 2, 3],
    ],
  },
  {
    name: 'a read beside a write has the new value',
    right: true,
    lines: [
      [write('a'), null, 1, 4],
      [read, 'a', 2, 3],
    ],
  },
  {
    name: 'new, then old, beside one write',
    right: false,
    lines: [
      [write('a'), null, 1, 8],
      [read, 'a', 2, 3],
      [read, null, 4, 5],
    ],
  },
  {
    name: 'two readers see two writes in two orders',
    right: false,
    lines: [
      [write('a'), null, 1, 10],
      [write('b'), null, 1.5, 11],
      [read, 'a', 2, 3],
      [read, 'b', 4, 5],
      [read, 'a', 6, 7],
    ],
  },
  {
    name: 'an open write that is seen later',
    right: true,
    lines: [
      [write('a'), 'open', 1],
      [read, null, 2, 3],
      [read, 'a', 4, 5],
    ],
  },
  {
    name: 'an open write that is never seen',
    right: true,
    lines: [
      [write('a'), 'open', 1],
      [read, null, 2, 3],
    ],
  },
  {
    name: 'an open write that is seen, then not',
    right: false,
    lines: [
      [write('a'), 'open', 1],
      [read, 'a', 2, 3],
      [read, null, 4, 5],
    ],
  },
  {
    name: 'an open write that is seen before it began',
    right: false,
    lines: [
      [read, 'a', 1, 2],
      [write('a'), 'open', 3],
    ],
  },
  {
    name: 'one of two compare-and-sets wins',
    right: true,
    lines: [
      [cas(null, 'a'), true, 1, 4],
      [cas(null, 'b'), false, 2, 3],
      [read, 'a', 5, 6],
    ],
  },
  {
    name: 'both compare-and-sets win',
    right: false,
    lines: [
      [cas(null, 'a'), true, 1, 4],
      [cas(null, 'b'), true, 2, 3],
    ],
  },
  { name: 'a compare-and-set fails for nothing', right: false, lines: [[cas(null, 'a'), false, 1, 2]] },
  {
    name: 'an open compare-and-set explains why another failed',
    right: true,
    lines: [
      [cas(null, 'a'), 'open', 1],
      [cas(null, 'b'), false, 2, 3],
    ],
  },
  {
    name: 'a write executed twice',
    right: false,
    lines: [
      [write('a'), null, 1, 2],
      [write('b'), null, 3, 4],
      [read, 'b', 5, 6],
      [read, 'a', 7, 8],
    ],
  },
];

for (const { name, right, lines } of registers) {
  test(`register: ${name}: ${right ? 'linearizable' : 'not linearizable'}`, () => {
    assert.equal(verdict(register, lines), right ? 'linearizable' : 'not linearizable');
  });
}

const logs: readonly { name: string; right: boolean; lines: readonly Line<LogInput, LogResult>[] }[] = [
  {
    name: 'two appends, one read',
    right: true,
    lines: [
      [append('a'), 0, 1, 2],
      [append('b'), 1, 3, 4],
      [read, ['a', 'b'], 5, 6],
    ],
  },
  {
    name: 'appends beside one another, in either order',
    right: true,
    lines: [
      [append('a'), 1, 1, 4],
      [append('b'), 0, 2, 3],
    ],
  },
  {
    name: 'two entries with one index',
    right: false,
    lines: [
      [append('a'), 0, 1, 4],
      [append('b'), 0, 2, 3],
    ],
  },
  {
    name: 'a hole',
    right: false,
    lines: [
      [append('a'), 0, 1, 2],
      [append('b'), 2, 3, 4],
    ],
  },
  {
    name: 'an entry twice',
    right: false,
    lines: [
      [append('a'), 0, 1, 2],
      [read, ['a', 'a'], 3, 4],
    ],
  },
  {
    name: 'an open append is there once',
    right: true,
    lines: [
      [append('a'), 'open', 1],
      [append('b'), 1, 2, 3],
      [read, ['a', 'b'], 4, 5],
    ],
  },
  {
    name: 'a read that is no prefix of the next',
    right: false,
    lines: [
      [append('a'), 0, 1, 9],
      [append('b'), 1, 1.5, 10],
      [read, ['b'], 2, 3],
      [read, ['a', 'b'], 4, 5],
    ],
  },
  {
    name: 'an append at an index that is taken',
    right: true,
    lines: [
      [append('a'), 0, 1, 2],
      [append('b', 0), null, 3, 4],
    ],
  },
  {
    name: 'two appends at one index',
    right: false,
    lines: [
      [append('a', 0), 0, 1, 4],
      [append('b', 0), 0, 2, 3],
    ],
  },
];

for (const { name, right, lines } of logs) {
  test(`log: ${name}: ${right ? 'linearizable' : 'not linearizable'}`, () => {
    assert.equal(verdict(appendLog, lines), right ? 'linearizable' : 'not linearizable');
  });
}

test('each key is judged by itself', () => {
  const wrong = history<RegisterInput, RegisterResult>([write('a'), null, 1, 2], [read, null, 3, 4]);
  const right = history<RegisterInput, RegisterResult>([write('a'), null, 1, 2]).map((one) => ({
    ...one,
    key: 'other',
  }));
  assert.deepEqual(
    checkLinearizable([...wrong, ...right], register).map(({ is }) => is),
    ['not linearizable', 'linearizable'],
  );
});

test('a search that runs out of budget is no pass', () => {
  const many = Array.from(
    { length: 12 },
    (_, i): Line<RegisterInput, RegisterResult> => [write(`v${i}`), null, 1 + i / 100, 50],
  );
  const unseen: Line<RegisterInput, RegisterResult> = [read, 'never', 60, 61];
  assert.equal(checkLinearizable(history(...many, unseen), register, 500)[0]?.is, 'not checked');
  assert.equal(checkLinearizable(history(...many, unseen), register)[0]?.is, 'not linearizable');
});

test('a failure shows the order that was found and what fits nowhere', () => {
  const [found] = checkLinearizable(
    history<RegisterInput, RegisterResult>([write('a'), null, 1, 2], [read, 'b', 3, 4]),
    register,
  );
  assert.match(found?.is === 'not linearizable' ? found.why : '', /write value: a[\s\S]*then none of[\s\S]*read.*-> b/);
});

test('random histories are judged as by trying every order', () => {
  const chance = new Chance(11, 'histories');
  const seen = { linearizable: 0, 'not linearizable': 0 };
  for (let i = 0; i < 3000; i++) {
    const operations = Array.from({ length: 2 + chance.below(5) }, (_, client) => randomOperation(chance, client));
    const [found] = checkLinearizable(operations, register);
    const expected = bruteForce(operations, register) ? 'linearizable' : 'not linearizable';
    assert.equal(found?.is, expected, JSON.stringify(operations));
    seen[expected]++;
  }
  assert.ok(Math.min(...Object.values(seen)) > 500, JSON.stringify(seen));
});

function randomOperation(chance: Chance, client: number): Operation<RegisterInput, RegisterResult> {
  const value = (): string => chance.pick(['a', 'b']);
  const nothing = (): string | null => chance.pick(['a', 'b', null]);
  const [input, result] = chance.pick<() => readonly [RegisterInput, RegisterResult]>([
    () => [read, nothing()],
    () => [write(value()), null],
    () => [cas(nothing(), value()), chance.hit(0.5)],
  ])();
  const invoked = chance.next();
  const open = chance.hit(0.2);
  const times = { invoked, returned: open ? undefined : invoked + chance.next() };
  return { client: `c${client}`, key: 'k', input, ...times, result: open ? undefined : result };
}
