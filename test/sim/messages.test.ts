import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, flag, list, messageProblem, number, orNull, text } from './messages.ts';

const table = {
  ASK: {
    from: ['client'],
    to: ['server', 'spare'],
    by: 'channel',
    fields: { key: text, count: number, body: bytes, last: orNull(flag), names: list<string>() },
  },
} as const;
const right = { type: 'ASK', key: 'k', count: 1, body: new Uint8Array(1), last: null, names: [] };
const problem = (message: { type: string }, from = 'client', to = 'spare'): string =>
  messageProblem(table, message, from, to) ?? '';

test('a message is as its row says', () => {
  assert.equal(problem(right), '');
  assert.equal(problem({ ...right, last: true } as { type: string }), '');
});

test('another name, sender, receiver or field is named', () => {
  assert.equal(problem({ type: 'TELL' }), 'TELL is not in the table');
  assert.equal(problem(right, 'server'), 'ASK is sent by client, not by server');
  assert.equal(problem(right, 'client', 'client'), 'ASK is sent to server, spare, not to client');
  assert.equal(problem({ ...right, more: 1 } as { type: string }), 'ASK has no field more');
  const { count: _, ...without } = right;
  assert.equal(problem(without), 'ASK lacks count');
});

test('a field of another kind is named', () => {
  const wrong = { key: 1, count: '1', body: [1], last: 0, names: 'a' };
  for (const [name, value] of Object.entries(wrong)) {
    assert.match(problem({ ...right, [name]: value } as { type: string }), new RegExp(`^ASK.${name} is no `));
  }
  assert.equal(problem({ ...right, key: null } as { type: string }), 'ASK.key is no text');
});
