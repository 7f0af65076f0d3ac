import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Coverage, type Fault, faults } from './coverage.ts';
import { type MessageOf, number } from './messages.ts';
import { plainProgram } from './program.ts';
import type { Protocol, Scenario } from './scenario.ts';
import { Trace } from './trace.ts';
import { World } from './world.ts';

const messages = {
  ASK: { from: ['asker'], to: ['server'], by: 'channel', fields: { n: number }, answers: ['SAY'] },
  SAY: { from: ['server'], to: ['asker'], by: 'channel', fields: { n: number }, once: 'the test of `once`' },
  PING: { from: ['asker'], to: ['server'], by: 'datagram', fields: { n: number }, answers: ['PONG'] },
  PONG: { from: ['server'], to: ['asker'], by: 'datagram', fields: { n: number } },
} as const;
type Talk = MessageOf<typeof messages>;

/** Dials again when its channel has ended, and sends on it what it is asked to. */
const asker = plainProgram<{ channel: number }, Talk, number, string>(
  () => ({ channel: 0 }),
  (state, input) => {
    switch (input.on) {
      case 'start':
        return [{ do: 'dial', to: 'server' }];
      case 'open':
        state.channel = input.channel;
        return [{ do: 'tell', what: 'open' }];
      case 'closed':
        return [
          { do: 'tell', what: 'closed' },
          { do: 'dial', to: 'server' },
        ];
      case 'ask':
        return input.what < 100
          ? [{ do: 'send', channel: state.channel, message: { type: 'ASK', n: input.what } }]
          : [{ do: 'datagram', to: 'server', message: { type: 'PING', n: input.what } }];
      case 'message':
      case 'datagram':
        return [{ do: 'tell', what: `got ${input.message.n}` }];
      default:
        return [];
    }
  },
);

const server = plainProgram<null, Talk, never, string>(
  () => null,
  (_, input) => {
    if (input.on === 'closed') return [{ do: 'tell', what: 'server closed' }];
    if (input.on === 'datagram') {
      const { n } = input.message;
      return [
        { do: 'tell', what: `did ${n}` },
        { do: 'datagram', to: 'asker', message: { type: 'PONG', n } },
      ];
    }
    if (input.on !== 'message') return [];
    const { channel, message } = input;
    return [
      { do: 'tell', what: `did ${message.n}` },
      { do: 'send', channel, message: { type: 'SAY', n: message.n } },
    ];
  },
);

/** What both tell when `type` gets `fault`, and 1, 2, 3 are asked on channels, 101, 102, 103 by datagrams. */
function story(type: string, fault: Fault, asks: readonly number[]): string[] {
  const told: string[] = [];
  const scenario: Scenario = {
    hosts: [
      { name: 'asker', role: 'asker', program: asker, mortal: true, disk: false },
      { name: 'server', role: 'server', program: server, mortal: true, disk: false },
    ],
    started: () => {},
    ended: () => {},
    told: (_, what) => told.push(String(what)),
    check: () => {},
    waitsFor: () => undefined,
    finish: () => ({ checked: 0, notChecked: 0 }),
  };
  const protocol: Protocol = { name: 'talk', messages, bugs: [], scenario: () => scenario };
  const coverage = new Coverage(messages);
  // A seed whose network loses no datagram.
  const world = new World(protocol, 4, undefined, new Trace(false), coverage);
  world.network.links.calm = true;
  world.network.seam.arm(type, fault);
  asks.forEach((n, i) => {
    world.after(100 + 100 * i, () => world.ask('asker', n));
  });
  world.runUntil(3000);
  assert.equal(coverage.faults, 1, told.join(', '));
  return told;
}

const channelStories: { readonly [F in Fault]: readonly string[] } = {
  'request lost': ['open', 'server closed', 'closed', 'open', 'did 2', 'got 2'],
  'answer lost': ['open', 'did 1', 'server closed', 'closed', 'open', 'did 2', 'got 2'],
  'executed, failed': ['open', 'closed', 'did 1', 'server closed', 'open', 'did 2', 'got 2'],
  twice: ['open', 'did 1', 'did 1', 'got 1', 'got 1', 'did 2', 'got 2'],
  'twice apart': ['open', 'did 1', 'got 1', 'did 2', 'did 1', 'got 2', 'got 1'],
  late: ['open', 'closed', 'open', 'did 2', 'got 2', 'did 1', 'server closed'],
};

/** The same events: what the two tell at nearly the same time may come in either order. */
const sorted = (list: readonly string[]): string[] => [...list].sort();

for (const fault of faults) {
  test(`${fault}: what a message on a channel meets`, () => {
    const told = story('ASK', fault, [1, 2]);
    const expected = channelStories[fault];
    assert.deepEqual(sorted(told), sorted(expected));
    const done = (list: readonly string[]): string[] => list.filter((what) => what.startsWith('did'));
    assert.deepEqual(done(told), done(expected));
  });
}

const datagramStories: { readonly [F in Fault]?: readonly string[] } = {
  'request lost': ['did 102', 'got 102'],
  'answer lost': ['did 101', 'did 102', 'got 102'],
  twice: ['did 101', 'did 101', 'got 101', 'got 101', 'did 102', 'got 102'],
  'twice apart': ['did 101', 'got 101', 'did 102', 'did 101', 'got 102', 'got 101'],
};

for (const [fault, expected] of Object.entries(datagramStories)) {
  test(`${fault}: what a datagram meets`, () => {
    assert.deepEqual(sorted(story('PING', fault as Fault, [101, 102])), sorted(['open', ...expected]));
  });
}

test('a late answer comes to the one that dialled on a channel that it knows as closed', () => {
  assert.deepEqual(
    sorted(story('SAY', 'late', [1, 2])),
    sorted(['open', 'did 1', 'closed', 'server closed', 'open', 'did 2', 'got 2', 'got 1']),
  );
});

test('the table shows what cannot happen, and names what never has', () => {
  const coverage = new Coverage(messages, ['disk full']);
  coverage.fault('twice', 'ASK');
  coverage.disaster('killed');
  const zeros = coverage.zeros();
  assert.ok(!zeros.includes('twice × ASK') && !zeros.includes('killed') && !zeros.includes('disk full'));
  assert.ok(zeros.includes('late × ASK') && zeros.includes('stalled') && zeros.includes('answer lost × PING'));
  for (const never of ['twice × SAY', 'twice apart × SAY', 'answer lost × SAY', 'executed, failed × PING']) {
    assert.ok(!zeros.includes(never), never);
  }
  assert.match(String(coverage), /^SAY +0 +0 +- +0 +- +- +0$/m);
});
