import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tagged, tagOf, untagged } from '../../../src/workers/output/away.ts';
import { ClusterPrinter } from '../../../src/workers/output/cluster-printer.ts';
import { Folding, type Line } from '../../../src/workers/output/folding.ts';
import { OutputRing, pieces } from '../../../src/workers/output/ring.ts';

const line = (text: string, prefix = '(f node=1) ', name = 'f'): Line => ({ stream: 'stdout', prefix, name, text });

function folding() {
  const it_ = new Folding();
  const told: string[] = [];
  const print = ({ prefix, text }: Line): void => void told.push(prefix + text);
  const add = (text: string, source: string, now: number, node = '1', name = 'f'): boolean =>
    it_.add(line(text, `(${name} node=${node}) `, name), source, now, print);
  return { folding: it_, add, told: () => told.splice(0), look: (now: number) => it_.look(now, print), print };
}

describe('folding', () => {
  it('prints the first at once, counts those of others, and tells them after five seconds', () => {
    const { folding: it_, add, told, look } = folding();
    assert.equal(add('x', 'a', 0), true);
    for (let i = 0; i < 12; i++) assert.equal(add('x', `b${i}`, i, '2'), false);
    assert.equal(it_.due, 5000);
    look(4999);
    assert.deepEqual(told(), []);
    look(5000);
    assert.deepEqual(told(), ['(f node=2) x [repeated 12x across cluster]']);
    // It goes on: the next are counted anew.
    assert.equal(it_.due, 10_000);
    assert.equal(add('x', 'a', 6000), false);
    look(10_000);
    assert.deepEqual(told(), ['(f node=1) x']);
    assert.equal(it_.due, Number.POSITIVE_INFINITY);
    assert.equal(add('x', 'c', 10_001), true);
  });

  it('prints what one task writes again and again, and other lines', () => {
    const { add } = folding();
    for (let i = 0; i < 5; i++) assert.equal(add('x', 'a', i), true);
    assert.equal(add('y 1', 'a', 0), true);
    assert.equal(add('y 2', 'b', 0), true);
    assert.equal(add('x', 'b', 0, '1', 'g'), true);
    for (const task of ['a', 'b']) {
      assert.equal(add('', task, 0), true);
      assert.equal(add('long'.repeat(1000), task, 0), true);
    }
  });

  it('remembers a thousand lines, and loses none of the others', () => {
    const { folding: it_, add, told, print } = folding();
    for (const task of ['a', 'b', 'c']) add('0', task, 0);
    for (let i = 1; i < 1000; i++) add(String(i), 'a', 0);
    assert.deepEqual(told(), []);
    add('1000', 'a', 0);
    assert.deepEqual(told(), ['(f node=1) 0 [repeated 2x across cluster]']);
    add('7', 'b', 1);
    it_.flush(print);
    assert.deepEqual(told(), ['(f node=1) 7']);
    assert.equal(it_.due, Number.POSITIVE_INFINITY);
  });
});

function printer() {
  const written: (string | Buffer)[] = [];
  const printer_ = new ClusterPrinter((stream, data) =>
    written.push(typeof data === 'string' ? `${stream === 'stdout' ? '' : 'err '}${data}` : data),
  );
  const print = (task: string, data: string | Buffer, stream: 'stdout' | 'stderr' = 'stdout'): void =>
    printer_.print({ node: '0123456789abcdef', task, name: `f${task}ä`, stream, data: Buffer.from(data) }, 0);
  return { printer: printer_, print, take: () => written.splice(0) };
}

describe('the printer of a driver', () => {
  it('puts names before lines', () => {
    const { print, take } = printer();
    print('1', 'one ä😀\ntwo\n');
    print('2', '\u001b[31mred\u001b[39m\r\n\n', 'stderr');
    assert.deepEqual(take(), [
      '(f1ä node=01234567) one ä😀\n(f1ä node=01234567) two\n',
      'err (f2ä node=01234567) \u001b[31mred\u001b[39m\r\n(f2ä node=01234567) \n',
    ]);
  });

  it('lets a line go on, or ends it where another comes', () => {
    const { printer: it_, print, take } = printer();
    print('1', 'on');
    print('1', 'e');
    print('1', ' line\nnext');
    print('2', 'other\n');
    print('1', ' more');
    print('2', 'err\n', 'stderr');
    print('2', '');
    print('1', 'last');
    print('1', '');
    print('1', '');
    print('1', 'very last');
    it_.end();
    assert.deepEqual(take(), [
      '(f1ä node=01234567) on',
      'e',
      ' line\n(f1ä node=01234567) next',
      '\n(f2ä node=01234567) other\n',
      '(f1ä node=01234567)  more',
      '\n',
      'err (f2ä node=01234567) err\n',
      '(f1ä node=01234567) last',
      '\n',
      '(f1ä node=01234567) very last',
      '\n',
    ]);
  });

  it('keeps bytes', () => {
    const { print, take } = printer();
    const bytes = Buffer.from([0xff, 0xe4, 0x00, 0x80]);
    print('1', bytes);
    print('1', Buffer.from([0x0a]));
    assert.deepEqual(take(), [Buffer.concat([Buffer.from('(f1ä node=01234567) '), bytes]), '\n']);
    const smile = Buffer.from('😀');
    print('1', smile.subarray(0, 2));
    print('1', smile.subarray(2));
    assert.equal(Buffer.concat(take() as Buffer[]).toString(), '(f1ä node=01234567) 😀');
  });

  it('says what was lost', () => {
    const { printer: it_, print, take } = printer();
    print('1', 'begun');
    it_.lost('0123456789abcdef', 3, 50);
    const [, feed, said] = take();
    assert.equal(feed, '\n');
    assert.match(String(said), /^err mobula: 3 lines \(50 bytes\) of tasks on node=01234567 were dropped.*\n$/);
  });
});

describe('what a thread leaves for another process', () => {
  it('has the name of what wrote it', () => {
    const source = { job: 0xffffffff, task: 'ab'.repeat(16), name: 'f' };
    const data = Buffer.from([1, 2, 3]);
    assert.deepEqual(untagged(Buffer.from(tagged(tagOf(source), data))), { source, data });
    const { name } = untagged(
      Buffer.from(tagged(tagOf({ ...source, name: `a\nb\u001b${'😀'.repeat(500)}` }), data)),
    ).source;
    assert.equal(name, `a b ${'😀'.repeat(96)}`);
  });

  it('fits into a ring, stays there while it may not be read, and is given up when the ring is closed', () => {
    const ring = new OutputRing();
    const tag = tagOf({ job: 1, task: 'ab'.repeat(16), name: '😀'.repeat(100) });
    const all = [...pieces(Buffer.alloc(100_000, 'x'), true, 16 * 1024)].map((piece) => tagged(tag, piece));
    for (const piece of all) assert.notEqual(ring.tryWrite('stdout', false, piece), 'full');
    let taken = 0;
    ring.read(
      () => taken++,
      () => taken < 2,
    );
    assert.equal(taken, 2);
    assert.equal(ring.isEmpty, false);
    ring.read(() => taken++);
    assert.equal(taken, all.length);
    ring.close();
    assert.equal(ring.tryWrite('stdout', false, Buffer.from('x')), 'closed');
  });
});
