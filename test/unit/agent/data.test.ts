// Values that are fetched: what is served, and the copies that others have.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Copies } from '../../../src/agent/data/copies.ts';
import { type Named, nameOf, readNamed, writeNamed } from '../../../src/agent/data/named.ts';
import { Serving, SWEEP_MS, VISITS } from '../../../src/agent/data/serving.ts';
import { TaskCopies } from '../../../src/agent/data/task-copies.ts';
import type { Peer } from '../../../src/agent/peer.ts';
import { EntryStream, EntryWriter } from '../../../src/agent/wire/entry.ts';
import { Random } from '../../support/random.ts';
import { named, Plane, peer } from './plane.ts';

describe('names of buffers', () => {
  it('are as they were written, and none that is too long is read', () => {
    const writer = new EntryWriter();
    const all: readonly Named[] = [named(1), { number: 2 ** 40, lengths: [0, 2 ** 33, 5] }];
    for (const each of all) {
      writer.begin(1);
      writeNamed(writer, each);
      writer.end();
    }
    const read: Named[] = [];
    new EntryStream((_, entry) => {
      read.push(readNamed(entry));
      entry.end();
    }).feed(writer.take());
    assert.deepEqual(read, all);
    writer.begin(1);
    writer.u64(1);
    writer.u32(2 ** 21);
    writer.end();
    assert.throws(() => new EntryStream((_, entry) => readNamed(entry)).feed(writer.take()), /2097152 buffers/);
    assert.equal(
      Buffer.from(nameOf(Buffer.from('0011223344556677', 'hex'), 258)).toString('hex'),
      '00112233445566770201000000000000',
    );
  });
});

describe('what is served', () => {
  it('is one argument for all tasks that take it, until none does and nothing else needs it', () => {
    const plane = new Plane();
    const serving = new Serving(plane);
    plane.others.add(7);
    const told: [number, string[]][] = [];
    const sweep = (now: number): void => serving.sweep(now, (number, nodes) => told.push([number, [...nodes]]));
    const number = serving.argument([7], 'a');
    assert.equal(serving.argument([7], 'b'), number);
    assert.notEqual(serving.argument([7, 8], 'a'), number);
    serving.argumentOver(number, 0);
    sweep(2 * SWEEP_MS);
    assert.equal(plane.served.has(number), true);
    serving.argumentOver(number, 0);
    sweep(3 * SWEEP_MS);
    // The program has its ref.
    assert.equal(plane.served.has(number), true);
    plane.others.delete(7);
    sweep(3 * SWEEP_MS + 1);
    assert.equal(plane.served.has(number), true, 'it is looked at once in a while');
    sweep(4 * SWEEP_MS);
    assert.deepEqual(told, [[number, ['a', 'b']]]);
    assert.equal(plane.served.size, 1);
    assert.notEqual(serving.argument([7], 'a'), number, 'no number is used again');
    assert.throws(() => serving.argumentOver(number, 0), /nothing is served/);
  });

  it('costs no more to look at, however much the program holds, and what it lets go ends all the same', () => {
    const plane = new Plane();
    const serving = new Serving(plane);
    const count = 2 * VISITS + 500;
    for (let buffer = 0; buffer < count; buffer++) {
      if (buffer < count - 10) plane.others.add(buffer);
      serving.argumentOver(serving.argument([buffer], 'a'), 0);
    }
    let now = 0;
    for (let round = 0; round < 3; round++) {
      plane.looks = 0;
      now = serving.due;
      serving.sweep(now, () => undefined);
      assert.ok(plane.looks <= VISITS, `${plane.looks} looks`);
    }
    assert.equal(plane.served.size, count - 10);
    assert.ok(serving.due < now + SWEEP_MS, 'there may be more');
    plane.others.clear();
    while (serving.due < Number.POSITIVE_INFINITY) serving.sweep(serving.due, () => undefined);
    assert.equal(plane.served.size, 0);
  });

  it('is a result until it was fetched', () => {
    const plane = new Plane();
    const serving = new Serving(plane);
    const [one, other] = [serving.result([1]), serving.result([1])];
    assert.notEqual(one, other);
    serving.resultOver(one);
    assert.deepEqual([...plane.served.keys()], [other]);
  });
});

describe('copies of arguments', () => {
  it('are fetched once for the tasks that take them, and stay for the next', () => {
    const plane = new Plane();
    const copies = new Copies(plane);
    const from = peer();
    let ready = 0;
    const take = (): TaskCopies =>
      new TaskCopies(
        copies,
        from,
        () => from,
        [named(1), named(1), named(2)],
        () => void ready++,
      );
    const [one, other] = [take(), take()];
    assert.deepEqual(plane.open, [1, 2]);
    plane.end(1);
    assert.deepEqual([ready, one.areHere], [0, false]);
    plane.end(2);
    assert.deepEqual([ready, one.areHere, other.areHere], [2, true, true]);
    const [buffer] = one.buffersOf(named(1));
    assert.equal(plane.refs.get(buffer as number), 2);
    one.letGo();
    other.letGo();
    assert.deepEqual(plane.refs.size, 2);
    assert.equal(take().areHere, true);
    assert.deepEqual(plane.open, []);
  });

  it('go when the peer names them no more, when it dies, and when they are too many, those first that were used longest ago', () => {
    const plane = new Plane();
    const copies = new Copies(plane);
    const from = peer();
    const use = (number: number): void => {
      const task = new TaskCopies(
        copies,
        from,
        () => from,
        [named(number)],
        () => undefined,
      );
      if (plane.open.includes(number)) plane.end(number);
      task.letGo();
    };
    for (const number of [1, 2, 1, 3]) use(number);
    // 250 bytes are two copies of 100: those of 1 and 3.
    assert.equal(plane.refs.size, 2);
    use(1);
    assert.deepEqual(plane.open, []);
    copies.unnamed(from, 1);
    assert.equal(plane.refs.size, 1);
    const late = new TaskCopies(
      copies,
      from,
      () => from,
      [named(9)],
      () => assert.fail('it was let go'),
    );
    late.letGo();
    assert.deepEqual(plane.open, [], 'nobody needs what is on its way');
    copies.forgetPeer(from);
    assert.equal(plane.refs.size, 0);
  });

  it('of values that stay at a third node go with that value, their last task, or the node whose tasks take them', () => {
    const plane = new Plane();
    const copies = new Copies(plane);
    const [submitter, third] = [peer(), peer('aa00000000000000')];
    const use = (number: number): TaskCopies => {
      const placed = { ...named(number), node: third.node };
      const task = new TaskCopies(
        copies,
        submitter,
        (each) => ('node' in each ? third : submitter),
        [placed, named(number)],
        () => undefined,
      );
      for (const open of plane.open) plane.end(open);
      return task;
    };
    // The submitter's own buffers have the same number.
    const [one, other] = [use(1), use(2)];
    one.letGo();
    assert.equal(plane.refs.size, 4);
    copies.unnamed(third, 1);
    copies.unplaced(submitter, 1);
    assert.equal(plane.refs.size, 4, 'these are others');
    for (const number of [1, 2]) copies.unplaced(third, number);
    assert.equal(plane.refs.size, 3, 'a task has the other one');
    other.letGo();
    assert.equal(plane.refs.size, 2);
    use(3).letGo();
    copies.forgetPeer(submitter);
    assert.equal(plane.refs.size, 0);
  });

  it('of values whose node dies are lost for those who wait, and stay for those who have them', () => {
    const plane = new Plane();
    const copies = new Copies(plane);
    const [submitter, third] = [peer(), peer('aa00000000000000')];
    const told: unknown[] = [];
    const take = (number: number): TaskCopies =>
      new TaskCopies(
        copies,
        submitter,
        () => third,
        [{ ...named(number), node: third.node }],
        (failed, copy) => told.push([failed?.kind, copy?.number]),
      );
    const has = take(1);
    plane.end(1);
    const waits = take(2);
    copies.forgetPeer(third);
    assert.deepEqual(
      [told, plane.open, plane.refs.size],
      [
        [
          [undefined, undefined],
          ['lost', 2],
        ],
        [],
        1,
      ],
    );
    has.letGo();
    waits.letGo();
    assert.equal(plane.refs.size, 0);
  });

  it('that cannot come are told to all who wait, once each, and tried again by the next', () => {
    const plane = new Plane();
    const copies = new Copies(plane);
    const from = peer();
    const told: unknown[] = [];
    const tasks = [1, 2].map(
      () =>
        new TaskCopies(
          copies,
          from,
          () => from,
          [named(1), named(2)],
          (failed) => told.push(failed?.kind),
        ),
    );
    plane.end(1, { kind: 'no-room', text: '' });
    plane.end(2, { kind: 'lost', text: '' });
    assert.deepEqual(told, ['no-room', 'no-room']);
    for (const task of tasks) task.letGo();
    const next = new TaskCopies(
      copies,
      from,
      () => from,
      [named(1)],
      () => told.push('here'),
    );
    plane.end(1);
    assert.deepEqual(told.slice(2), ['here']);
    next.letGo();
    copies.forgetPeer(from);
    assert.equal(plane.refs.size, 0);
  });

  it('that cannot come are not told to one that another has ended meanwhile', () => {
    const plane = new Plane();
    const copies = new Copies(plane);
    const told: number[] = [];
    const from = peer();
    const tasks: TaskCopies[] = [0, 1].map((i) => {
      return new TaskCopies(
        copies,
        from,
        () => from,
        [named(1)],
        () => {
          told.push(i);
          tasks[1 - i]?.letGo();
        },
      );
    });
    plane.end(1, { kind: 'lost', text: '' });
    assert.deepEqual(told, [0]);
  });

  it('are refused where a peer says of one number what cannot be', () => {
    const copies = new Copies(new Plane());
    const from = peer();
    const task = new TaskCopies(
      copies,
      from,
      () => from,
      [named(1, 100)],
      () => undefined,
    );
    assert.throws(
      () =>
        new TaskCopies(
          copies,
          from,
          () => from,
          [named(1, 101)],
          () => undefined,
        ),
      /two lengths/,
    );
    assert.throws(() => copies.unnamed(from, 1), /a task names/);
    assert.throws(
      () =>
        new TaskCopies(
          copies,
          from,
          () => from,
          [named(2, 1), named(2, 2)],
          () => undefined,
        ),
      /two lengths/,
    );
    task.letGo();
  });

  it('are let go, whatever the order', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed);
      const plane = new Plane();
      const copies = new Copies(plane);
      const peers = [peer(), peer()];
      const live: { readonly of: Peer; readonly numbers: readonly number[]; readonly task: TaskCopies }[] = [];
      const steps = [
        (of: Peer): void => {
          const all = Array.from({ length: 1 + random.below(3) }, () => named(random.below(6), 60));
          const task = new TaskCopies(
            copies,
            of,
            () => of,
            all,
            () => undefined,
          );
          live.push({ of, numbers: all.map(({ number }) => number), task });
        },
        (): void => {
          const [number] = plane.open;
          if (number !== undefined) plane.end(number, random.below(5) === 0 ? { kind: 'lost', text: '' } : undefined);
        },
        (): void => live.splice(random.below(live.length + 1), 1)[0]?.task.letGo(),
        (of: Peer): void => {
          const number = random.below(6);
          if (!live.some((each) => each.of === of && each.numbers.includes(number))) copies.unnamed(of, number);
        },
      ];
      for (let step = 0; step < 80; step++) steps[random.below(steps.length)]?.(peers[random.below(2)] as Peer);
      for (const { task } of live) task.letGo();
      for (const each of peers) copies.forgetPeer(each);
      assert.deepEqual([plane.refs.size, plane.open], [0, []], `seed ${seed}`);
    }
  });
});
