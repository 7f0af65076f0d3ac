import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attemptKey, BegunSlots, begunOf } from '../../../src/agent/begun.ts';
import { PeerRuns } from '../../../src/agent/kept.ts';
import { Peer } from '../../../src/agent/peer.ts';
import { Run } from '../../../src/agent/run.ts';
import { BEGUN_BYTES, BegunMarks, begunIn, NO_SLOT, SLOTS } from '../../../src/core/run/begun.ts';

const node = '0123456789abcdef';
const id = Buffer.from(node, 'hex');
const task = (index: number, attempt = 1) => ({ index, generation: 3, attempt });

/** A page, as an agent, a worker and a supervisor have it. */
function bench() {
  const memory = new ArrayBuffer(BEGUN_BYTES);
  const slots = new BegunSlots({ addon: { mapBegun: () => memory }, facts: { begunFd: 9 } } as never);
  const marks = new BegunMarks(new Uint8Array(memory));
  const named = (): string[] | undefined => {
    const names = begunIn(Buffer.from(memory));
    return names && [...begunOf(node, names.toString('base64'))];
  };
  return { slots, marks, named };
}

const origin = (slot: number, index: number) => ({
  slot,
  taskId: `${node}${(3).toString(16).padStart(8, '0')}${index.toString(16).padStart(8, '0')}`,
  attempt: 1,
});

describe('the page of begun tasks', () => {
  it('names what is marked, until its slot is given back', () => {
    const { slots, marks, named } = bench();
    const [a, b] = [slots.take(id, task(1)), slots.take(id, task(0xffff_fffe, 4))];
    assert.deepEqual(named(), []);
    marks.mark(b);
    assert.deepEqual(named(), [attemptKey(task(0xffff_fffe, 4))]);
    marks.mark(a);
    slots.release(b);
    assert.deepEqual(named(), [attemptKey(task(1))]);
    assert.equal(slots.take(id, task(5)), b);
    assert.deepEqual(named(), [attemptKey(task(1))], 'a new task has not begun');
  });

  it('names tasks of one submitter for that one alone', () => {
    const { slots, marks, named } = bench();
    marks.mark(slots.take(Buffer.from('ffffffffffffffff', 'hex'), task(1)));
    assert.deepEqual(named(), []);
  });

  it('takes a mark back from the task that it was made for, and from no other', () => {
    const { slots, marks, named } = bench();
    const slot = slots.take(id, task(1));
    marks.mark(slot);
    marks.unmark(origin(slot, 1));
    assert.deepEqual(named(), []);
    slots.release(slot);
    assert.equal(slots.take(id, task(2)), slot);
    marks.mark(slot);
    marks.unmark(origin(slot, 1));
    assert.deepEqual(named(), [attemptKey(task(2))]);
  });

  it('says that it does not name all while a task has no slot, or too many have begun', () => {
    const { slots, marks, named } = bench();
    const all = Array.from({ length: SLOTS }, (_, i) => slots.take(id, task(i)));
    assert.equal(new Set(all).size, SLOTS);
    assert.deepEqual(named(), []);
    assert.equal(slots.take(id, task(SLOTS)), NO_SLOT);
    marks.mark(NO_SLOT);
    assert.equal(named(), undefined);
    slots.release(NO_SLOT);
    assert.deepEqual(named(), []);
    for (const slot of all.slice(0, 4096)) marks.mark(slot);
    assert.equal(named()?.length, 4096);
    marks.mark(all[4096] as number);
    assert.equal(named(), undefined);
  });

  it('is not there on a node without a supervisor', () => {
    const slots = new BegunSlots({ addon: {}, facts: {} } as never);
    assert.equal(slots.take(id, task(1)), NO_SLOT);
    slots.release(NO_SLOT);
  });
});

describe('a slot', () => {
  it('is kept until the submitter has settled the answer, or is dead', () => {
    const released: number[] = [];
    const begun = ({ slot }: { readonly slot: number }): void => void released.push(slot);
    const runs = new PeerRuns({ forget: begun, forgetBegun: begun, release: () => {}, dropStaying: () => {} });
    const answered = (slot: number): void => {
      const head = { ...task(slot), template: 1, job: 1, results: 1, deps: 0, made: [] };
      const run = new Run(
        new Peer(
          node,
          () => 'taken',
          () => {},
        ),
        head,
        1,
        [],
        [],
        slot,
        true,
      );
      runs.byIndex.set(run.index, run);
      runs.answered(run);
    };
    for (const slot of [1, 2, 3, 4]) answered(slot);
    runs.answered(undefined);
    assert.deepEqual(released, []);
    runs.settled(1);
    assert.deepEqual(released, [1]);
    runs.settled(2);
    assert.deepEqual(released, [1, 2, 3]);
    runs.clear();
    assert.deepEqual(released, [1, 2, 3, 4]);
    assert.equal(runs.byIndex.size, 0);
  });
});
