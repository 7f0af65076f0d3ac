import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Coverage } from './coverage.ts';
import { withoutRealWorld } from './guard.ts';
import { list, type MessageOf, number } from './messages.ts';
import { type Input, type Output, plainProgram } from './program.ts';
import type { Protocol, Scenario } from './scenario.ts';
import { runSeed } from './seed.ts';
import { Trace } from './trace.ts';
import { World } from './world.ts';

const messages = {
  COUNT: { from: ['sender'], to: ['receiver'], by: 'channel', fields: { number } },
  NOTE: { from: ['sender'], to: ['receiver'], by: 'datagram', fields: { words: list<{ n: number }>() } },
} as const;
type Counting = MessageOf<typeof messages>;
type Heard = { readonly heard: number } | { readonly heard: 'closed' | 'start' | 'timer'; readonly now: number };

type Sent = Output<Counting, never>;

/** A sender that sends what it is asked to send, and a receiver that tells what it hears, and a tick each 10 ms of its clock. */
function counting(told: (what: Heard) => void, step?: (input: Input<Counting>) => Sent[]): Protocol {
  const sender = plainProgram<{ channel: number }, Counting, number, never>(
    () => ({ channel: 0 }),
    (state, input) => {
      if (step !== undefined) return step(input);
      if (input.on === 'start') return [{ do: 'dial', to: 'receiver' }];
      if (input.on === 'open') state.channel = input.channel;
      return input.on === 'ask'
        ? [{ do: 'send', channel: state.channel, message: { type: 'COUNT', number: input.what } }]
        : [];
    },
  );
  const receiver = plainProgram<null, Counting, never, Heard>(
    () => null,
    (_, input, { now }) => {
      if (input.on === 'message' && input.message.type === 'COUNT') {
        return [{ do: 'tell', what: { heard: input.message.number } }];
      }
      if (input.on !== 'closed' && input.on !== 'start' && input.on !== 'timer') return [];
      return [
        { do: 'tell', what: { heard: input.on, now } },
        { do: 'timer', timer: 'tick', after: 10 },
      ];
    },
  );
  const scenario: Scenario = {
    hosts: [
      { name: 'sender', role: 'sender', program: sender, mortal: true, disk: true },
      { name: 'receiver', role: 'receiver', program: receiver, mortal: true, disk: true },
    ],
    started: () => {},
    ended: () => {},
    told: (_, what) => told(what as Heard),
    check: () => {},
    waitsFor: () => undefined,
    finish: () => ({ checked: 0, notChecked: 0 }),
  };
  return { name: 'counting', messages, bugs: [], scenario: () => scenario };
}

/** A world without faults, in which `seed` only chooses delays. */
function world(protocol: Protocol, seed: number): World {
  return new World(protocol, seed, undefined, new Trace(false), new Coverage(messages));
}

test('a channel gives messages in order, also over a cut, or ends: then what arrived is a prefix', () => {
  let [whole, broken] = [0, 0];
  for (let seed = 1; seed <= 100; seed++) {
    const heard: Heard[] = [];
    const at = world(
      counting((what) => heard.push(what)),
      seed,
    );
    at.runUntil(500);
    for (let i = 0; i < 20; i++) at.after(i * 10, () => at.ask('sender', i));
    at.after(100, () => at.network.links.cut('sender', 'receiver'));
    at.after(900, () => at.network.links.heal('sender', 'receiver'));
    at.runUntil(5000);
    const counts = heard.flatMap((what) => (typeof what.heard === 'number' ? [what.heard] : []));
    assert.deepEqual(
      counts,
      Array.from(counts, (_, i) => i),
    );
    const closed = heard.some((what) => what.heard === 'closed');
    if (!closed) assert.equal(counts.length, 20);
    if (closed) broken++;
    else whole++;
  }
  assert.ok(whole > 10 && broken > 10, `${whole} ${broken}`);
});

test('while a process stalls it handles nothing, its clock runs, and all is handled in order afterwards', () => {
  const heard: Heard[] = [];
  const at = world(
    counting((what) => heard.push(what)),
    7,
  );
  at.runUntil(200);
  const before = heard.length;
  at.process('receiver')?.stall(300);
  for (let i = 0; i < 5; i++) at.after(i * 20, () => at.ask('sender', i));
  at.runUntil(490);
  assert.equal(heard.length, before);
  at.runUntil(600);
  const after = heard.slice(before);
  assert.deepEqual(
    after.flatMap((what) => (typeof what.heard === 'number' ? [what.heard] : [])),
    [0, 1, 2, 3, 4],
  );
  const ticks = heard.flatMap((what) => ('now' in what && what.heard === 'timer' ? [what.now] : []));
  const gaps = ticks.slice(1).map((now, i) => now - (ticks[i] ?? 0));
  assert.ok(Math.max(...gaps) > 250 && gaps.length > 10, gaps.join(' '));
});

test('a host that starts again has a new identity and an empty state', () => {
  const at = world(
    counting(() => {}),
    3,
  );
  at.runUntil(100);
  const first = at.process('receiver')?.self;
  assert.equal(at.crash('receiver', 'power cut'), true);
  assert.equal(at.process('receiver'), undefined);
  at.start('receiver');
  assert.notEqual(at.process('receiver')?.self.id, first?.id);
});

test('one seed is one history, and another seed another', () => {
  const run = (seed: number): { text: string; digest: number } => {
    const { history, digest } = runSeed(
      counting(() => {}),
      seed,
      { history: true },
    );
    return { text: history.join('\n'), digest };
  };
  assert.deepEqual(run(5), run(5));
  assert.notEqual(run(5).digest, run(6).digest);
});

/** How a seed ends whose sender does this at its start. */
function failure(first: () => Sent[]): string {
  const protocol = counting(
    () => {},
    (input) => (input.on === 'start' ? first() : []),
  );
  return runSeed(protocol, 1).failure ?? '';
}

test('a step that reads the real clock, a real timer or chance fails its seed', () => {
  const reads: (() => unknown)[] = [
    () => Math.random(),
    () => Date.now(),
    () => new Date(),
    () => performance.now(),
    () => crypto.randomUUID(),
    () => process.hrtime(),
    () => setTimeout(() => {}, 1),
    () => setImmediate(() => {}),
    () => queueMicrotask(() => {}),
    () => process.nextTick(() => {}),
  ];
  for (const read of reads) {
    const found = failure(() => {
      read();
      return [];
    });
    assert.match(found, /was used under the simulator/, String(read));
  }
});

test('the real world is back afterwards, also when the run threw', () => {
  const real = [Math.random, Date, setTimeout, performance.now];
  assert.throws(() =>
    withoutRealWorld(() => {
      throw new Error('in there');
    }),
  );
  assert.deepEqual([Math.random, Date, setTimeout, performance.now], real);
  assert.equal(typeof Date.now(), 'number');
});

test('a message that the table does not have fails the seed', () => {
  const wrong = { type: 'NOTE', words: 'none' } as unknown as Counting;
  assert.match(
    failure(() => [{ do: 'datagram', to: 'receiver', message: wrong }]),
    /NOTE.words is no list/,
  );
  const byChannel: Counting = { type: 'COUNT', number: 1 };
  assert.match(
    failure(() => [{ do: 'datagram', to: 'receiver', message: byChannel }]),
    /COUNT does not go by datagram/,
  );
});

test('a message that its sender changes afterwards fails the seed', () => {
  const word = { n: 1 };
  const found = failure(() => {
    const outputs: Sent[] = [{ do: 'datagram', to: 'receiver', message: { type: 'NOTE', words: [word] } }];
    return Object.defineProperty(outputs, 1, {
      enumerable: true,
      get: () => {
        word.n = 2;
        return { do: 'cancel', timer: 'none' };
      },
    });
  });
  assert.match(found, /read only property 'n'/);
});
