import assert from 'node:assert/strict';
import test from 'node:test';
import { type MemberEffect, type MemberEvent, member, newMember } from '../../../src/wire/member.ts';

const facts = { no: 1, name: 'a', namespace: 'b' };
const registered = { kind: 'registered', reconnectMs: 9 } as const;
const isRegistered = { kind: 'is-registered', reconnectMs: 9 } as const;
const load = (n: number) => ({ once: Uint8Array.of(n), repeat: Uint8Array.of(n, 0) });

class World {
  readonly state = newMember();
  now = 0;

  tell(event: MemberEvent): readonly MemberEffect[] {
    return member(this.state, event, { now: this.now, random: () => 0 }).filter(({ kind }) => kind !== 'wake');
  }

  pass(ms: number): readonly MemberEffect[] {
    this.now += ms;
    return this.tell({ kind: 'tick' });
  }
}

test('it registers first, and says everything again on each new connection until it is answered', () => {
  const world = new World();
  const body = Uint8Array.of(1);
  assert.deepEqual(world.tell({ kind: 'register', body }), []);
  assert.deepEqual(world.tell({ kind: 'up' }), [{ kind: 'register', body }]);
  assert.deepEqual(world.tell({ kind: 'job', facts }), []);
  assert.deepEqual(world.tell(registered), [isRegistered, { kind: 'job', facts }]);
  assert.deepEqual(world.tell({ kind: 'end-job', job: 9 }), [{ kind: 'end-job', job: 9 }]);
  world.tell({ kind: 'down' });
  assert.deepEqual(world.tell({ kind: 'up' }), [{ kind: 'register', body }]);
  assert.deepEqual(world.tell(registered), [isRegistered, { kind: 'job', facts }, { kind: 'end-job', job: 9 }]);
  assert.deepEqual(world.tell({ kind: 'job-is', no: 1, job: 4 }), [{ kind: 'job-known', no: 1, job: 4 }]);
  assert.deepEqual(world.tell({ kind: 'job-is', no: 1, job: 4 }), []);
  assert.deepEqual(world.tell({ kind: 'job-ended', job: 9 }), [{ kind: 'job-over', job: 9 }]);
  assert.deepEqual(world.tell({ kind: 'bye' }), [{ kind: 'bye' }]);
  world.tell({ kind: 'down' });
  assert.deepEqual(world.tell({ kind: 'up' }), [{ kind: 'bye' }], 'it was not answered');
});

test('reports come at least every 500 ms and at most every 50, and say once what is said once', () => {
  const world = new World();
  world.tell({ kind: 'register', body: Uint8Array.of(1) });
  world.tell({ kind: 'up' });
  world.tell({ kind: 'report', load: load(1), soon: false });
  assert.deepEqual(world.tell(registered).at(-1), { kind: 'report', no: 1, body: load(1).once });
  world.now = 10;
  assert.deepEqual(world.tell({ kind: 'report', load: load(2), soon: false }), []);
  assert.deepEqual(world.pass(40), [{ kind: 'report', no: 2, body: load(2).once }]);
  assert.deepEqual(world.pass(499), []);
  assert.deepEqual(world.pass(1), [{ kind: 'report', no: 3, body: load(2).repeat }]);
  // An answer to the third is one to all before it, and tells when that was sent.
  assert.deepEqual(world.tell({ kind: 'reported', no: 3 }), [{ kind: 'answered', sentAt: 550 }]);
  assert.equal(world.state.sentAt.size, 0);
  assert.deepEqual(world.tell({ kind: 'reported', no: 2 }), []);
});

test('a report that others wait for comes 2 ms after the last one, and only that one', () => {
  const world = new World();
  world.tell({ kind: 'register', body: Uint8Array.of(1) });
  world.tell({ kind: 'up' });
  world.tell(registered);
  world.tell({ kind: 'report', load: load(1), soon: false });
  assert.deepEqual(world.tell({ kind: 'report', load: load(2), soon: true }), []);
  // A later one that nobody waits for takes none of the hurry away.
  assert.deepEqual(world.tell({ kind: 'report', load: load(3), soon: false }), []);
  assert.deepEqual(world.pass(2), [{ kind: 'report', no: 2, body: load(3).once }]);
  assert.deepEqual(world.tell({ kind: 'report', load: load(4), soon: false }), []);
  assert.deepEqual(world.pass(49), []);
  assert.deepEqual(world.pass(1), [{ kind: 'report', no: 3, body: load(4).once }]);
});

test('it complains of a node on each new connection, until that is dead', () => {
  const world = new World();
  const complain = (of: string) => ({ kind: 'complain', of, why: 'silence' }) as const;
  world.tell({ kind: 'register', body: Uint8Array.of(1) });
  world.tell({ kind: 'up' });
  assert.deepEqual(world.tell(complain('a')), [], 'it has not been let in');
  assert.deepEqual(world.tell(registered), [isRegistered, complain('a')]);
  assert.deepEqual(world.tell(complain('b')), [complain('b')]);
  world.tell({ kind: 'down' });
  world.tell({ kind: 'buried', node: 'a' });
  world.tell({ kind: 'up' });
  assert.deepEqual(world.tell(registered), [isRegistered, complain('b')]);
});
