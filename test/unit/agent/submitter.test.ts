import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attemptKey } from '../../../src/agent/begun.ts';
import type { Granted, Wanted } from '../../../src/agent/ports.ts';
import { newSubmitter, type SubmitterEffect, type SubmitterEvent } from '../../../src/agent/submitter/state.ts';
import { submitterStep } from '../../../src/agent/submitter/step.ts';
import { Random } from '../../support/random.ts';

const ask = (fn: string): string =>
  JSON.stringify({ job: '1', fn, priority: 0, demand: { CPU: 10_000 }, strategy: 'default', infeasibleAfterMs: 10 });

/** Drives the step by hand. */
function bench() {
  const state = newSubmitter();
  const env = { now: 0, random: () => 0 };
  const give = (event: SubmitterEvent): readonly SubmitterEffect[] => submitterStep(state, event, env);
  const settle = (): readonly SubmitterEffect[] => give({ kind: 'settle' });
  const line = (number: number, waiting: number, first = true): readonly SubmitterEffect[] =>
    give({ kind: 'line', line: number, waiting, ask: first ? ask('f') : undefined, over: false });
  const grant = (no: number, node: string, w: number): readonly SubmitterEffect[] =>
    give({ kind: 'granted', word: { kind: 'grant', no, line: 1, node, w } });
  const task = (index: number, attempt = 1): readonly SubmitterEffect[] =>
    give({ kind: 'task', index, generation: 0, attempt, ask: ask('f'), tooLarge: false });
  const follower = (index: number, makers: readonly number[], text = ask('f')): readonly SubmitterEffect[] =>
    give({
      kind: 'follower',
      index,
      generation: 0,
      attempt: 1,
      ask: text,
      makers: makers.map((maker) => ({ index: maker, generation: 0 })),
      tooLarge: false,
    });
  const answer = (node: string, index: number, attempt = 1): readonly SubmitterEffect[] =>
    give({ kind: 'answer', node, index, generation: 0, attempt });
  return { state, env, give, settle, line, grant, task, follower, answer };
}

const requests = (effects: readonly SubmitterEffect[]): Wanted[] =>
  effects.flatMap((effect) => (effect.kind === 'request' ? [effect.wanted] : []));

const kinds = (effects: readonly SubmitterEffect[]): string[] => effects.map(({ kind }) => kind);

const opens = (effects: readonly SubmitterEffect[]): (readonly [line: number, window: number])[] =>
  effects.flatMap((effect) =>
    effect.kind === 'open' && effect.line > 0 ? [[effect.line, effect.window] as const] : [],
  );

describe('where tasks go', () => {
  it('asks for as many as there are, opens what is granted, and sends to the emptiest window', () => {
    const { line, settle, grant, task } = bench();
    line(1, 5);
    const [wanted] = requests(settle());
    assert.deepEqual([wanted?.complete, wanted?.wishes[0]?.count, wanted?.wishes[0]?.out], [true, 5, []]);
    grant(1, 'a', 1);
    grant(2, 'b', 3);
    assert.deepEqual(opens(settle()), [[1, 4]]);
    const nodes = [0, 1, 2, 3].flatMap((index) =>
      task(index).map((effect) => (effect.kind === 'send' ? effect.node : '')),
    );
    assert.deepEqual(nodes.sort(), ['a', 'b', 'b', 'b']);
    assert.deepEqual(task(4), [{ kind: 'give-back', index: 4 }], 'no window has room');
  });

  it('wants no other place for what is out beyond a window, and tells when that comes back', () => {
    const { env, line, settle, grant, task, answer } = bench();
    const counts = () => {
      env.now += 10;
      return requests(settle()).map(({ wishes: [wish] }) => [wish?.count, wish?.out]);
    };
    line(1, 2);
    counts();
    grant(1, 'a', 2);
    settle();
    task(0);
    task(1);
    line(1, 0, false);
    grant(2, 'a', 0);
    assert.deepEqual(counts(), [[0, [['a', 2]]]]);
    answer('a', 0);
    assert.deepEqual(counts(), [[0, [['a', 1]]]]);
    answer('a', 1);
    assert.deepEqual(counts(), [[0, []]]);
  });

  it('counts an answer of the attempt that is out, from the node where it is, and only once', () => {
    const { line, settle, grant, task, answer } = bench();
    line(1, 1);
    settle();
    grant(1, 'a', 1);
    settle();
    task(7);
    assert.deepEqual(answer('b', 7), []);
    assert.deepEqual(answer('a', 7, 2), []);
    assert.deepEqual(kinds(answer('a', 7)), ['end']);
    assert.deepEqual(answer('a', 7), []);
  });

  it('loses what was at a node that died, and sends nothing there again', () => {
    const { line, settle, grant, task, answer, give } = bench();
    line(1, 2);
    settle();
    grant(1, 'a', 2);
    settle();
    task(0);
    task(1);
    assert.deepEqual(kinds(give({ kind: 'dead', node: 'a', begun: undefined })), ['lost', 'lost']);
    assert.deepEqual(answer('a', 0), [], 'frames of the dead count for nothing');
    grant(2, 'a', 5);
    line(1, 2, false);
    assert.deepEqual(task(0, 2), [{ kind: 'give-back', index: 0 }]);
  });

  it('loses of what was at a node that died only what had begun there, where that is known', () => {
    const { line, settle, grant, task, give, answer } = bench();
    line(1, 4);
    settle();
    grant(1, 'a', 3);
    grant(2, 'b', 1);
    settle();
    for (const [index, attempt] of [[0], [1], [2, 2], [3]] as const) task(index, attempt);
    const begun = new Set([
      attemptKey({ index: 1, generation: 0, attempt: 1 }),
      // Of another attempt, and of a task that is elsewhere.
      attemptKey({ index: 2, generation: 0, attempt: 1 }),
      attemptKey({ index: 9, generation: 0, attempt: 1 }),
    ]);
    const ended = give({ kind: 'dead', node: 'a', begun });
    const lost = ended.flatMap((effect) => (effect.kind === 'lost' ? [effect.index] : []));
    const back = ended.flatMap((effect) => (effect.kind === 'give-back' ? [effect.index] : []));
    assert.deepEqual([lost, back.length], [[1], 2]);
    const [elsewhere] = [0, 2, 3].filter((index) => !back.includes(index));
    assert.deepEqual(kinds(answer('b', elsewhere as number)), ['end']);
  });

  it('tells a node to stop a task, and waits for its answer', () => {
    const { line, settle, grant, task, answer, give } = bench();
    line(1, 1);
    settle();
    grant(1, 'a', 1);
    settle();
    task(3);
    const stopped = give({ kind: 'stop', index: 3, generation: 0, force: true, recursive: false });
    const how = { attempt: 1, force: true, recursive: false };
    assert.deepEqual(stopped, [{ kind: 'cancel', node: 'a', index: 3, generation: 0, ...how }]);
    assert.deepEqual(give({ kind: 'stop', index: 3, generation: 1, force: true, recursive: false }), []);
    assert.deepEqual(kinds(answer('a', 3)), ['end']);
  });

  it('fails all that waits when no node can run it, and not what comes after it was mended', () => {
    const { env, line, settle, grant, task, give } = bench();
    line(1, 2);
    settle();
    give({ kind: 'granted', word: { kind: 'infeasible', line: 1 } });
    assert.deepEqual(opens(settle()), [[1, 2]]);
    assert.deepEqual(kinds([...task(0), ...task(1)]), ['fail', 'fail']);
    line(1, 0, false);
    env.now += 10;
    settle();
    line(1, 1, false);
    grant(1, 'a', 1);
    settle();
    assert.deepEqual(kinds(task(2)), ['send']);
  });

  it('tells the scheduler of tasks that came after its word, as it says that once', () => {
    const { env, line, settle, give, task } = bench();
    line(1, 1);
    settle();
    give({ kind: 'granted', word: { kind: 'infeasible', line: 1 } });
    settle();
    task(0);
    line(1, 0, false);
    env.now += 10;
    // As many as the scheduler knows of.
    line(1, 1, false);
    assert.deepEqual(
      requests(settle()).map(({ wishes }) => wishes[0]?.count),
      [1],
    );
    env.now += 10;
    assert.deepEqual(requests(settle()), [], 'once');
    // Its word may also come when there is nothing to fail.
    line(1, 0, false);
    give({ kind: 'granted', word: { kind: 'infeasible', line: 1 } });
    line(1, 1, false);
    assert.equal(requests(settle()).length, 1);
  });

  it('acknowledges a smaller window, so that the scheduler may give the room away', () => {
    const { env, line, settle, grant } = bench();
    line(1, 9);
    settle();
    grant(1, 'a', 4);
    settle();
    env.now += 10;
    grant(2, 'a', 1);
    assert.deepEqual(
      requests(settle()).map(({ seen }) => seen),
      [2],
    );
    env.now += 10;
    assert.deepEqual(requests(settle()), []);
  });

  it('keeps the windows of a line for a while, then gives them back and closes it', () => {
    const { env, line, settle, grant, task, answer, state } = bench();
    line(1, 1);
    settle();
    grant(1, 'a', 1);
    settle();
    task(0);
    line(1, 0, false);
    env.now += 10;
    answer('a', 0);
    const soon = settle();
    assert.deepEqual(requests(soon), [], 'another task may come');
    const wake = soon.find((effect) => effect.kind === 'wake');
    assert.ok(wake?.kind === 'wake');
    env.now = wake.at;
    const effects = settle();
    assert.deepEqual(requests(effects)[0]?.wishes[0]?.count, 0);
    assert.deepEqual(
      kinds(effects).filter((kind) => kind !== 'request'),
      ['open', 'close'],
    );
    submitterStep(state, { kind: 'line', line: 1, waiting: 0, ask: undefined, over: true }, env);
    assert.equal(state.lines.size + state.byAsk.size, 0);
  });
});

describe('tasks that follow those that make their arguments', () => {
  it('go where these are, though no window has room, and take no room', () => {
    const { line, settle, grant, task, follower, answer, state } = bench();
    line(1, 2);
    settle();
    grant(1, 'a', 1);
    settle();
    task(0);
    assert.deepEqual(follower(5, [0]), [{ kind: 'send', node: 'a' }]);
    assert.deepEqual(follower(6, [5]), [{ kind: 'send', node: 'a' }], 'behind one that follows');
    assert.equal(state.followers, 2);
    assert.deepEqual(kinds([...answer('a', 0), ...answer('a', 5), ...answer('a', 6)]), ['end', 'end', 'end']);
    assert.equal(state.followers, 0);
    assert.deepEqual(kinds(task(1)), ['send'], 'the window has room again');
  });

  it('stay, if their makers are at two nodes, or gone, or ask for something else, or another node is named', () => {
    const { line, settle, grant, task, follower } = bench();
    line(1, 2);
    settle();
    grant(1, 'a', 1);
    grant(2, 'b', 1);
    settle();
    task(0);
    task(1);
    const back = [{ kind: 'give-back', index: 5 }];
    assert.deepEqual(follower(5, [0, 1]), back);
    assert.deepEqual(follower(5, [7]), back);
    const other = (change: object): string => JSON.stringify({ ...JSON.parse(ask('g')), ...change });
    assert.deepEqual(follower(5, [0], other({ demand: { CPU: 20_000 } })), back);
    assert.deepEqual(follower(5, [0], other({ demand: { CPU: 10_000, GPU: 1 } })), back);
    assert.deepEqual(follower(5, [0], other({ strategy: 'spread' })), back);
    assert.deepEqual(kinds(follower(5, [0], other({}))), ['send'], 'another function is no other ask');
  });

  it('are lost with their node, behind their makers', () => {
    const { line, settle, grant, task, follower, give, state } = bench();
    line(1, 1);
    settle();
    grant(1, 'a', 1);
    settle();
    task(0);
    follower(5, [0]);
    const lost = give({ kind: 'dead', node: 'a', begun: undefined }).map((effect) =>
      effect.kind === 'lost' ? effect.index : -1,
    );
    assert.deepEqual([lost, state.followers], [[0, 5], 0]);
  });

  it('go back when their makers are lost, if they had not begun', () => {
    const { line, settle, grant, task, follower, give, state } = bench();
    line(1, 1);
    settle();
    grant(1, 'a', 1);
    settle();
    task(0);
    follower(5, [0]);
    const begun = new Set([attemptKey({ index: 0, generation: 0, attempt: 1 })]);
    assert.deepEqual(kinds(give({ kind: 'dead', node: 'a', begun })), ['lost', 'give-back']);
    assert.equal(state.followers, 0);
  });

  it('are as many as may be out, and more once half of them have come back', () => {
    const { line, settle, grant, task, follower, answer } = bench();
    const room = (effects: readonly SubmitterEffect[]): number[] =>
      effects.flatMap((effect) => (effect.kind === 'open' && effect.line === 0 ? [effect.window] : []));
    line(1, 1);
    const [most = 0] = room(settle());
    grant(1, 'a', 1);
    settle();
    task(0);
    for (let i = 0; i < most; i++) follower(i + 1, [i]);
    assert.deepEqual(room(settle()), []);
    for (let i = 0; i < 10; i++) answer('a', i);
    assert.deepEqual(room(settle()), [9], 'the first of them was no follower');
    assert.deepEqual(room(settle()), []);
  });
});

/** A core, a scheduler and nodes that do as they like, within their rules. */
class World {
  readonly state = newSubmitter();
  readonly random: () => number;
  readonly env: { now: number; random: () => number };
  readonly waiting: { index: number; attempt: number }[] = [];
  readonly ended = new Set<number>();
  /** What nodes have, and have not answered. */
  readonly at = new Map<string, { index: number; attempt: number }[]>();
  /** The attempts that nodes have begun, answered or not. */
  readonly begun = new Map<string, Set<string>>();
  /** The node that is dying, and whether it is known what had begun there. */
  dying: { node: string; known: boolean } | undefined;
  readonly dead = new Set<string>();
  handed: { index: number; attempt: number } | undefined;
  window = 0;
  line = 0;
  lines = 0;
  told = 0;
  no = 0;
  nodes = 3;

  constructor(seed: number) {
    const random = new Random(seed);
    this.random = () => random.next();
    this.env = { now: 0, random: this.random };
    for (const node of ['n0', 'n1', 'n2']) this.at.set(node, []);
  }

  give(event: SubmitterEvent): void {
    for (const effect of submitterStep(this.state, event, this.env)) this.carryOut(effect);
  }

  carryOut(effect: SubmitterEffect): void {
    const { handed } = this;
    switch (effect.kind) {
      case 'send':
        assert.ok(handed && !this.dead.has(effect.node), 'nothing goes to the dead');
        this.at.get(effect.node)?.push(handed);
        break;
      case 'give-back': {
        const { dying } = this;
        const back = handed ?? this.at.get(dying?.node ?? '')?.find(({ index }) => index === effect.index);
        assert.ok(back, 'what goes back was handed out, or was at the node that dies');
        assert.ok(handed || (dying?.known && !this.hasBegun(dying.node, back)), 'what may have begun is lost');
        this.waiting.push(back);
        break;
      }
      case 'end':
        assert.ok(!this.ended.has(effect.index), 'a task ends once');
        this.ended.add(effect.index);
        break;
      case 'lost':
        assert.ok(!this.ended.has(effect.index), 'what ended is not lost');
        assert.equal(effect.node, this.dying?.node);
        assert.ok(!this.dying?.known || this.hasBegun(effect.node, effect), 'what has not begun is not lost');
        this.waiting.push({ index: effect.index, attempt: effect.attempt + 1 });
        break;
      case 'open':
        if (effect.line === this.line) this.window = effect.window;
        break;
      case 'close':
        if (effect.line === this.line && this.waiting.length === 0) {
          this.give({ kind: 'line', line: this.line, waiting: 0, ask: undefined, over: true });
          this.line = 0;
        }
        break;
      default:
        break;
    }
  }

  hasBegun(node: string, { index, attempt }: { index: number; attempt: number }): boolean {
    return this.begun.get(node)?.has(attemptKey({ index, generation: 0, attempt })) === true;
  }

  /** A node begins what it has, in part. */
  begin(node: string): void {
    const begun = this.begun.get(node) ?? new Set();
    this.begun.set(node, begun);
    for (const { index, attempt } of this.at.get(node) ?? []) {
      if (this.random() < 0.5) begun.add(attemptKey({ index, generation: 0, attempt }));
    }
  }

  /** The core's next step, as `forward.rs` does it. */
  core(): void {
    while (this.window > 0 && this.waiting.length > 0) {
      this.window -= 1;
      const task = this.waiting.shift() as { index: number; attempt: number };
      this.handed = task;
      this.give({ kind: 'task', ...task, generation: 0, ask: ask('f'), tooLarge: false });
      this.handed = undefined;
    }
    if (this.line === 0) {
      if (this.waiting.length === 0) return;
      this.lines += 1;
      this.line = this.lines;
      this.window = 0;
      this.told = -1;
    }
    if (this.told === this.waiting.length) return;
    const first = this.told < 0 ? ask('f') : undefined;
    this.told = this.waiting.length;
    this.give({ kind: 'line', line: this.line, waiting: this.told, ask: first, over: false });
  }

  /** Something that may happen. */
  happen(): void {
    const pick = this.random();
    const live = [...this.at.keys()].filter((node) => !this.dead.has(node));
    const node = live[Math.floor(this.random() * live.length)] as string;
    if (pick < 0.35) {
      this.no += 1;
      const word: Granted = { kind: 'grant', no: this.no, line: this.line, node, w: Math.floor(this.random() * 4) };
      this.give({ kind: 'granted', word });
      if (this.random() < 0.2) this.give({ kind: 'granted', word });
    } else if (pick < 0.85) {
      const done = this.at.get(node)?.shift();
      if (done !== undefined) {
        this.give({ kind: 'answer', node, ...done, generation: 0 });
        if (this.random() < 0.1) this.give({ kind: 'answer', node, ...done, generation: 0 });
      }
    } else if (pick < 0.88 && live.length > 1) {
      this.dead.add(node);
      this.begin(node);
      this.dying = { node, known: this.random() < 0.7 };
      this.give({ kind: 'dead', node, begun: this.dying.known ? this.begun.get(node) : undefined });
      this.dying = undefined;
      const late = this.at.get(node)?.[0];
      if (late !== undefined) this.give({ kind: 'answer', node, ...late, generation: 0 });
      this.nodes += 1;
      this.at.set(`n${this.nodes}`, []);
    } else if (pick < 0.9) this.give({ kind: 'ask-all', fresh: false });
    this.env.now += this.random() * 30;
    this.core();
    this.give({ kind: 'settle' });
    this.core();
  }
}

describe('the submitting half of an agent', () => {
  it('ends every task once, whatever nodes and the scheduler do', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const world = new World(seed);
      const tasks = 20;
      for (let index = 0; index < tasks; index++) {
        world.waiting.push({ index, attempt: 1 });
        if (world.random() < 0.5) world.happen();
      }
      for (let steps = 0; world.ended.size < tasks; steps++) {
        assert.ok(steps < 20_000, `seed ${seed}: tasks never end`);
        world.happen();
      }
      assert.equal(world.state.flights.size, 0, `seed ${seed}`);
    }
  });
});
