import assert from 'node:assert/strict';
import type { Ask, LargeArgument, NodeId, Request, SchedulerEffect } from '../../../src/scheduler/ports.ts';

interface Line {
  readonly ask: Ask;
  waiting: number;
  readonly out: Map<NodeId, number>;
  readonly w: Map<NodeId, number>;
}

interface Task {
  readonly ask: Ask;
  readonly large: readonly LargeArgument[];
  at: NodeId | null;
  must: boolean;
  refusedBy: NodeId[];
}

type ToSubmitter = Exclude<SchedulerEffect, { kind: 'wake' }>;

/** A submitter that sends what it may, at once. */
export class Submitter {
  readonly id: NodeId;
  readonly lines = new Map<number, Line>();
  readonly tasks = new Map<string, Task>();
  /** Lines and tasks of which it was said that they cannot run. */
  readonly failed: (number | string)[] = [];
  readonly #living: ReadonlyMap<NodeId, unknown>;
  #gone: string[] = [];
  #no = 0;
  #seen = 0;

  constructor(id: NodeId, living: ReadonlyMap<NodeId, unknown>) {
    this.id = id;
    this.#living = living;
  }

  submit(number: number, ask: Ask, n: number): void {
    const line = this.lines.get(number) ?? { ask, waiting: 0, out: new Map(), w: new Map() };
    this.lines.set(number, line);
    line.waiting += n;
    this.#sendLine(line);
  }

  submitTask(id: string, ask: Ask, large: readonly LargeArgument[]): void {
    this.tasks.set(id, { ask, large, at: null, must: false, refusedBy: [] });
  }

  on(effect: ToSubmitter): void {
    if (effect.kind === 'ask-all') return;
    if (effect.kind === 'grant' || effect.kind === 'assign') this.#onGrant(effect);
    else this.#fail('line' in effect.about ? effect.about.line : effect.about.task);
  }

  #onGrant(effect: Extract<ToSubmitter, { kind: 'grant' | 'assign' }>): void {
    // A repeated message is not newer.
    if (effect.no <= this.#seen) return;
    assert.equal(effect.no, this.#seen + 1, 'grants are numbered without holes');
    this.#seen = effect.no;
    if (!this.#living.has(effect.node)) return;
    if (effect.kind === 'grant') {
      const line = this.lines.get(effect.line);
      line?.w.set(effect.node, effect.w);
      if (line !== undefined) this.#sendLine(line);
      return;
    }
    const task = this.tasks.get(effect.task);
    if (task === undefined || task.at !== null) return;
    const refusals = task.refusedBy.length;
    // It was made before the last refusal was heard of, if the node before died meanwhile.
    if (effect.must) assert.ok(refusals >= 3);
    task.at = effect.node;
    task.must = effect.must;
  }

  #fail(key: number | string): void {
    this.failed.push(key);
    if (typeof key === 'string') {
      this.tasks.delete(key);
      this.#gone.push(key);
    } else {
      const line = this.lines.get(key);
      if (line !== undefined) line.waiting = 0;
    }
  }

  #sendLine(line: Line): void {
    for (const [node, w] of line.w) {
      const out = line.out.get(node) ?? 0;
      const n = Math.min(line.waiting, w - out);
      if (n <= 0) continue;
      line.waiting -= n;
      line.out.set(node, out + n);
    }
  }

  /** A task of the line at `node` ends. */
  finish(number: number, node: NodeId): void {
    const line = this.lines.get(number);
    const out = line?.out.get(node) ?? 0;
    if (line === undefined || out === 0) return;
    line.out.set(node, out - 1);
    this.#sendLine(line);
  }

  finishTask(id: string): void {
    this.tasks.delete(id);
    this.#gone.push(id);
  }

  refuse(id: string): void {
    const task = this.tasks.get(id);
    if (task === undefined || task.at === null || task.must) return;
    task.refusedBy.push(task.at);
    task.at = null;
  }

  nodeDied(id: NodeId): void {
    for (const line of this.lines.values()) {
      line.waiting += line.out.get(id) ?? 0;
      line.out.delete(id);
      line.w.delete(id);
    }
    for (const task of this.tasks.values()) if (task.at === id) task.at = null;
  }

  newScheduler(): void {
    this.#seen = 0;
    for (const line of this.lines.values()) line.w.clear();
  }

  request(complete: boolean): Request {
    this.#no += 1;
    const gone = this.#gone;
    this.#gone = [];
    return {
      kind: 'request',
      from: this.id,
      no: this.#no,
      seen: this.#seen,
      complete,
      wishes: [...this.lines].map(([line, { ask, waiting, out }]) => {
        const there = [...out].filter(([, n]) => n > 0);
        const count = there.reduce((sum, [, n]) => sum + n, waiting);
        return { line, ask, large: [], count, meanMs: undefined, out: there };
      }),
      tasks: [...this.tasks].map(([task, { ask, large, at, refusedBy }]) => ({
        task,
        ask,
        large,
        at,
        refusedBy: [...refusedBy],
      })),
      gone,
    };
  }

  /** Adds what its tasks at `node` ask for. */
  addOut(node: NodeId, sum: Record<string, number>): void {
    for (const { ask, out } of this.lines.values()) add(sum, ask, out.get(node) ?? 0);
    for (const { ask, at } of this.tasks.values()) if (at === node) add(sum, ask, 1);
  }

  /** All that are sent and not answered: [line or task, node]. */
  outs(): [number | string, NodeId][] {
    const outs: [number | string, NodeId][] = [];
    for (const [number, { out }] of this.lines)
      for (const [node, n] of out) for (let i = 0; i < n; i++) outs.push([number, node]);
    for (const [id, { at }] of this.tasks) if (at !== null) outs.push([id, at]);
    return outs;
  }

  waiting(): number {
    let n = 0;
    for (const { waiting } of this.lines.values()) n += waiting;
    for (const { at } of this.tasks.values()) if (at === null) n += 1;
    return n;
  }
}

function add(sum: Record<string, number>, { demand }: Ask, n: number): void {
  for (const [name, amount] of Object.entries(demand)) sum[name] = (sum[name] ?? 0) + n * amount;
}
