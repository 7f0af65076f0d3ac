import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Lines, type Part } from '../../../src/agent/output/lines.ts';
import { Outbox, type OutputPiece } from '../../../src/agent/output/outbox.ts';
import { OutputWindow, WINDOW_BYTES } from '../../../src/agent/output/window.ts';
import { Peer } from '../../../src/agent/peer.ts';
import { now } from '../../../src/common/timers.ts';

const source = (task: string, job = 1) => ({ job, task, name: 'f' });

function bench() {
  const sent: string[] = [];
  const lines = new Lines(({ source: { task }, stream, data }: Part) =>
    sent.push(`${task} ${stream === 'stdout' ? 1 : 2} ${Buffer.from(data)}`),
  );
  const write = (task: string, text: string, now: number, stream: 'stdout' | 'stderr' = 'stdout', job = 1): void =>
    lines.add(source(task, job), stream, Buffer.from(text), now);
  return { lines, sent, write, take: () => sent.splice(0) };
}

describe('lines of tasks', () => {
  it('are sent when they end, and do not mix', () => {
    const { lines, write, take } = bench();
    write('a', 'one\ntw', 0);
    write('b', 'other', 0);
    write('a', 'err\n', 0, 'stderr');
    write('a', 'o\n', 1);
    assert.deepEqual(take(), ['a 1 one\n', 'a 2 err\n', 'a 1 two\n']);
    assert.equal(lines.end('b'), 1);
    assert.equal(lines.end('b'), 0);
    assert.deepEqual(take(), ['b 1 other\n']);
    assert.ok(lines.isEmpty);
  });

  it('go on where they wait too long, and their end is told', () => {
    const { lines, write, take } = bench();
    write('a', 'one', 0);
    write('b', 'two', 100);
    assert.equal(lines.due, 200);
    lines.look(199);
    assert.deepEqual(take(), []);
    lines.look(200);
    assert.deepEqual(take(), ['a 1 one']);
    assert.equal(lines.due, 300);
    // More of it waits anew.
    write('a', ' more', 250);
    lines.look(300);
    assert.deepEqual(take(), ['b 1 two']);
    assert.equal(lines.end('a'), 1);
    assert.equal(lines.end('b'), 1);
    assert.deepEqual(take(), ['a 1  more\n', 'b 1 ']);
    assert.equal(lines.due, Number.POSITIVE_INFINITY);
    assert.ok(lines.isEmpty);
  });

  it('take no memory for long', () => {
    const { lines, write, take } = bench();
    const piece = 'x'.repeat(1000);
    let longest = 0;
    for (let i = 0; i < 100; i++) {
      write('a', piece, 0);
      for (const part of take()) longest = Math.max(longest, part.length);
    }
    assert.ok(longest > 16_000 && longest < 18_000, String(longest));
    for (let i = 0; i < 5000; i++) write(`t${i}`, 'x'.repeat(16 * 1024), 0);
    assert.equal(take().length, 5000);
    let ends = 0;
    for (let i = 0; i < 5000; i++) {
      lines.end(`t${i}`);
      ends += take().length;
    }
    assert.equal(ends, 1000);
  });

  it('are forgotten, or sent, by jobs', () => {
    const { lines, write, take } = bench();
    write('a', 'one', 0, 'stdout', 1);
    write('b', 'two', 0, 'stdout', 2);
    write('c', 'three', 0, 'stdout', 2);
    lines.forget(1);
    lines.sendAll(2);
    assert.deepEqual(take(), ['b 1 two', 'c 1 three']);
    assert.equal(lines.due, Number.POSITIVE_INFINITY);
  });
});

describe('the window of a job', () => {
  it('is full, then drops and counts, and opens when half of it was printed', () => {
    const window = new OutputWindow(true, 0);
    window.sent(WINDOW_BYTES - 1, 0);
    assert.equal(window.verdict(5), 'send');
    window.sent(1, 10);
    assert.equal(window.verdict(10), 'wait');
    assert.equal(window.due, 1010);
    assert.equal(window.verdict(1009), 'wait');
    assert.equal(window.verdict(1010), 'drop');
    window.drop(Buffer.from('a\nb\nc'));
    assert.equal(window.takeLost(), undefined);
    assert.ok(window.printed(WINDOW_BYTES / 2 - 1));
    assert.equal(window.verdict(1011), 'drop');
    assert.ok(window.printed(1));
    assert.equal(window.verdict(1011), 'send');
    assert.deepEqual(window.takeLost(), { lines: 2, bytes: 5 });
    assert.equal(window.takeLost(), undefined);
    assert.equal(window.printed(WINDOW_BYTES / 2 + 1), false);
  });

  it('waits for its driver to be known', () => {
    const window = new OutputWindow(false, 0);
    assert.equal(window.verdict(999), 'wait');
    assert.equal(window.verdict(1000), 'drop');
    window.open();
    assert.equal(window.verdict(1000), 'send');
  });

  it('knows what is under way, for as long as something arrives', () => {
    const window = new OutputWindow(true, 0);
    assert.equal(window.underWay(0), undefined);
    window.sent(10, 0);
    window.sent(10, 500);
    assert.equal(window.underWay(999), 1000);
    assert.equal(window.underWay(1000), undefined);
    assert.ok(window.arrived(10, 1500));
    assert.equal(window.underWay(1500), 2500);
    assert.equal(window.arrived(11, 1500), false);
    assert.ok(window.arrived(10, 1500));
    assert.equal(window.underWay(1500), undefined);
  });
});

it('an answer that waits for output is looked at again, though its time was over before anybody asked when', async () => {
  const pieces: OutputPiece[] = [{ source: source('a'), stream: 'stdout', data: Buffer.from('one\n') }];
  const peerOf = (node: string): Peer =>
    new Peer(
      node,
      () => 'taken',
      () => {},
    );
  const [driver, other] = [peerOf('000000000000000d'), peerOf('000000000000000e')];
  const ports = {
    hasNews: () => pieces.length > 0,
    read(may: (piece: OutputPiece) => boolean, take: (piece: OutputPiece) => void): void {
      for (let piece = pieces[0]; piece !== undefined && may(piece); piece = pieces[0]) {
        pieces.shift();
        take(piece);
      }
    },
    driverOf: async () => driver.node,
  };
  const outbox = new Outbox(
    ports,
    () => driver,
    () => {},
  );
  outbox.drain();
  await sleep(10);
  outbox.drain();
  let answered = false;
  const follower = { job: 1, peer: other, taskId: () => 'a', answer: () => (answered = true) };
  assert.equal(outbox.mayAnswer(follower), false, 'it could come before the output');
  outbox.answerLater(follower);
  const due = outbox.due;
  assert.ok(due > now() && due < now() + 1001);
  // Nothing has arrived by then.
  await sleep(due - now() + 5);
  assert.ok(outbox.due <= now());
  outbox.drain();
  assert.ok(answered);
  assert.equal(outbox.due, Number.POSITIVE_INFINITY);
});
