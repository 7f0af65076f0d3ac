import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attemptKey } from '../../../src/agent/begun.ts';
import type { Granted } from '../../../src/agent/ports.ts';
import { newSubmitter, type SubmitterEffect, type SubmitterEvent } from '../../../src/agent/submitter/state.ts';
import { submitterStep } from '../../../src/agent/submitter/step.ts';
import { Random } from '../../support/random.ts';
import { ask, atHand } from './submitter-bench.ts';

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
          this.give({
            kind: 'line',
            line: this.line,
            waiting: 0,
            meanMs: undefined,
            ask: undefined,
            near: undefined,
            over: true,
          });
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
      this.give({ kind: 'task', ...task, generation: 0, line: this.line, ...atHand });
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
    this.give({
      kind: 'line',
      line: this.line,
      waiting: this.told,
      meanMs: undefined,
      ask: first,
      near: undefined,
      over: false,
    });
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
        this.give({ kind: 'answer', node, ...done, generation: 0, hasBegun: true });
        if (this.random() < 0.1) this.give({ kind: 'answer', node, ...done, generation: 0, hasBegun: true });
      }
    } else if (pick < 0.88 && live.length > 1) {
      this.dead.add(node);
      this.begin(node);
      this.dying = { node, known: this.random() < 0.7 };
      this.give({ kind: 'dead', node, begun: this.dying.known ? this.begun.get(node) : undefined });
      this.dying = undefined;
      const late = this.at.get(node)?.[0];
      if (late !== undefined) this.give({ kind: 'answer', node, ...late, generation: 0, hasBegun: true });
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
