import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMobulaError } from '../../../src/common/errors.ts';
import { PROTOCOL } from '../../../src/transport/limits.ts';
import {
  bytesUpTo,
  fixedBytes,
  nodeId,
  rest,
  textUpTo,
  u8,
  u16,
  u32,
  u53,
} from '../../../src/transport/messages/kinds.ts';
import { Decoder, encode, message, type Table } from '../../../src/transport/messages/message.ts';
import { MOST_DEPTH, type Packed, packed } from '../../../src/transport/messages/packed.ts';
import { Random } from '../../support/random.ts';

interface Messages {
  readonly HOT: {
    readonly a: number;
    readonly b: number;
    readonly c: number;
    readonly d: number;
    readonly node: string;
    readonly hash: Uint8Array;
    readonly key: Uint8Array;
    readonly body: Uint8Array;
  };
  readonly CHECKED: { readonly n: number; readonly body: Uint8Array };
  readonly RARE: { readonly name: string; readonly fields: readonly Packed[] };
}

const any = (value: readonly Packed[]): value is readonly Packed[] => value.length >= 0;
const table: Table<Messages> = {
  HOT: message(20, 'both', {
    a: u8,
    b: u16,
    c: u32,
    d: u53,
    node: nodeId,
    hash: fixedBytes(32),
    key: bytesUpTo(64),
    body: rest,
  }),
  CHECKED: message(21, 'dialer', { n: u53, body: rest }, { crc: true, limit: 1000 }),
  RARE: message(22, 'acceptor', { name: textUpTo(40), fields: packed(any) }, { repeatable: true }),
};
const decoder = new Decoder(table);

const isFrameError = (error: unknown): boolean => isMobulaError(error) && error.code === 'ERR_MOBULA_FRAME';
const refused = (bytes: Uint8Array, from: 'dialer' | 'acceptor' = 'dialer'): void =>
  assert.throws(() => decoder.decode(bytes, from), isFrameError);

const bytesOf = (random: Random, below: number): Uint8Array =>
  Uint8Array.from({ length: random.below(below) }, () => random.below(256));

function anyPacked(random: Random, depth = 0): Packed {
  switch (random.below(depth > 4 ? 6 : 8)) {
    case 0:
      return null;
    case 1:
      return random.below(2) === 0;
    case 2:
      return random.below(2 ** 31) - 2 ** 30;
    case 3:
      return random.next() * 10 ** (random.below(40) - 20);
    case 4:
      return 'aé漢😀\0'.repeat(random.below(20));
    case 5:
      return bytesOf(random, 300);
    default:
      return Array.from({ length: random.below(20) }, () => anyPacked(random, depth + 1));
  }
}

/** One message of each kind. */
function someOf(random: Random): {
  readonly frame: Uint8Array;
  readonly from: 'dialer' | 'acceptor';
  readonly said: object;
} {
  const kind = random.below(3);
  if (kind === 0) {
    const said = {
      a: random.below(256),
      b: random.below(65_536),
      c: random.below(2 ** 32),
      d: random.below(Number.MAX_SAFE_INTEGER),
      node: random
        .below(2 ** 48)
        .toString(16)
        .padStart(16, '0'),
      hash: Uint8Array.from({ length: 32 }, () => random.below(256)),
      key: bytesOf(random, 65),
      body: bytesOf(random, 500),
    };
    return { frame: encode(table.HOT, said), from: 'dialer', said };
  }
  if (kind === 1) {
    const said = { n: random.below(2 ** 50), body: bytesOf(random, 900) };
    return { frame: encode(table.CHECKED, said), from: 'dialer', said };
  }
  const said = { name: 'näme', fields: [anyPacked(random), anyPacked(random)] };
  return { frame: encode(table.RARE, said), from: 'acceptor', said };
}

/** Bytes as plain arrays: msgpackr gives Buffers. */
const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
};

test('what is encoded is decoded, whatever the values (seeds 1 … 2 000)', () => {
  for (let seed = 1; seed <= 2000; seed += 1) {
    const { frame, from, said } = someOf(new Random(seed));
    assert.deepEqual(plain(decoder.decode(frame, from).values), plain(said), `seed ${seed}`);
  }
});

test('no frame that is cut short, lengthened or of random bytes does more than raise ERR_MOBULA_FRAME (seeds 1 … 20 000)', () => {
  let refusals = 0;
  for (let seed = 1; seed <= 20_000; seed += 1) {
    const random = new Random(seed);
    const { frame, from } = someOf(random);
    const kind = random.below(4);
    let bytes: Uint8Array;
    if (kind === 0) bytes = frame.slice(0, random.below(frame.length));
    else if (kind === 1) bytes = Uint8Array.from([...frame, ...bytesOf(random, 20)]);
    else if (kind === 2) {
      bytes = bytesOf(random, 300);
      bytes.set([20 + random.below(3), PROTOCOL].slice(0, bytes.length));
    } else {
      bytes = frame.slice();
      for (let flips = 1 + random.below(4); flips > 0; flips -= 1) {
        const at = random.below(bytes.length);
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      }
    }
    try {
      decoder.decode(bytes, from);
    } catch (error) {
      assert.ok(isFrameError(error), `seed ${seed}: ${error}`);
      refusals += 1;
    }
  }
  assert.ok(refusals > 10_000, `${refusals}`);
});

test('with a crc no flipped bit passes', () => {
  const frame = encode(table.CHECKED, { n: 12_345, body: Uint8Array.from({ length: 40 }, (_, i) => i) });
  for (let bit = 0; bit < frame.length * 8; bit += 1) {
    const bytes = frame.slice();
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    refused(bytes);
  }
});

test('a message from the wrong side, of another version, unknown, or longer than its limit is refused', () => {
  const frame = encode(table.CHECKED, { n: 1, body: new Uint8Array(10) });
  refused(frame, 'acceptor');
  refused(Uint8Array.of(20));
  refused(Uint8Array.of(99, PROTOCOL));
  const other = frame.slice();
  other[1] = PROTOCOL + 1;
  refused(other);
  const long = new Uint8Array(1001);
  long.set(frame);
  refused(long);
  assert.throws(() => encode(table.CHECKED, { n: 1, body: new Uint8Array(1000) }), isFrameError);
});

test('values that do not fit are refused where they are sent', () => {
  const said = { n: 1, body: new Uint8Array(0) };
  for (const n of [-1, 1.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => encode(table.CHECKED, { ...said, n }), isFrameError);
  }
  for (const name of ['x'.repeat(41), 'é'.repeat(21)]) {
    assert.throws(() => encode(table.RARE, { name, fields: [] }), isFrameError);
  }
  const bad: unknown[] = [undefined, new Map(), { a: 1 }, /x/, new Error('x'), 10n, Symbol('x'), () => 1, new Date(0)];
  for (const value of bad) {
    assert.throws(() => encode(table.RARE, { name: 'x', fields: [value as Packed] }), isFrameError, String(value));
  }
});

test('a length that lies costs no memory and no time', () => {
  const head = [...encode(table.RARE, { name: '', fields: [] })].slice(0, -1);
  for (const lie of [
    [0xdd, 0xff, 0xff, 0xff, 0xff],
    [0xdc, 0xff, 0xff],
    [0xc6, 0xff, 0xff, 0xff, 0xff],
    [0xdb, 0x7f, 0xff, 0xff, 0xff, 0x41],
    [0x9f],
    // Nested deeper than allowed.
    [...Array.from({ length: MOST_DEPTH + 1 }, () => 0x91), 0xc0],
    Array.from({ length: 100_000 }, () => 0x91),
    // Maps, extensions (a RegExp, an Error, undefined, a date), and integers of 64 bits.
    [0x91, 0x81, 0xa1, 0x61, 0x01],
    [0x91, 0xde, 0, 0],
    [0x91, 0xd4, 0x78, 0x00],
    [0x91, 0xc7, 0x01, 0x65, 0x00],
    [0x91, 0xd4, 0x00, 0x00],
    [0x91, 0xd6, 0xff, 0, 0, 0, 0],
    [0x91, 0xcf, 0, 0, 0, 0, 0, 0, 0, 1],
    [0x91, 0xd3, 0, 0, 0, 0, 0, 0, 0, 1],
    [0x91, 0xc1],
    // More than one value, and one that is no array.
    [0x90, 0x90],
    [0xc0],
  ]) {
    refused(Uint8Array.from([...head, ...lie]), 'acceptor');
  }
  refused(Uint8Array.from([22, PROTOCOL, 1, 0, 0, 0, 0xff, 0x90]), 'acceptor');
});

test('names of Object.prototype are values like others', () => {
  const fields = ['__proto__', 'constructor', 'then', 'toString'];
  const { values } = decoder.decode(encode(table.RARE, { name: '__proto__', fields }), 'acceptor');
  assert.deepEqual(values, { name: '__proto__', fields });
  assert.equal(({} as Record<string, unknown>)['x'], undefined);
});

test('two messages with one number are no table', () => {
  const twice: Table<Pick<Messages, 'CHECKED'> & { readonly OTHER: { readonly n: number } }> = {
    CHECKED: table.CHECKED,
    OTHER: message(21, 'both', { n: u8 }),
  };
  assert.throws(() => new Decoder(twice), /two messages have one number/);
});
