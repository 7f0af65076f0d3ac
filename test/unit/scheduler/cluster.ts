import assert from 'node:assert/strict';
import type { Amounts, Ask, NodeId, SchedulerEffect, SchedulerEvent } from '../../../src/scheduler/ports.ts';
import { scheduler } from '../../../src/scheduler/scheduler.ts';
import { newScheduler, type SchedulerState } from '../../../src/scheduler/state.ts';
import type { Random } from '../../support/random.ts';
import { ModelNode } from './model-node.ts';
import { Submitter } from './submitter.ts';

/** A scheduler with nodes and submitters that keep to its grants, over channels that delay and repeat. */
export class Cluster {
  readonly random: Random;
  readonly nodes = new Map<NodeId, ModelNode>();
  readonly submitters = new Map<NodeId, Submitter>();
  /** Every effect, in order. */
  readonly log: SchedulerEffect[] = [];
  now = 0;
  tasks = 0;
  /** Whether tasks count in full: none is so short that it is sent ahead. */
  inFull = true;
  state: SchedulerState = newScheduler();
  /** Messages under way, by receiver and sender in order; `s` is the scheduler. */
  readonly #channels = new Map<string, (() => void)[]>();

  constructor(random: Random) {
    this.random = random;
  }

  addNode(id: NodeId, total: Amounts): ModelNode {
    const node = new ModelNode(id, total);
    this.nodes.set(id, node);
    this.submitters.set(id, new Submitter(id, this.nodes));
    this.members();
    return node;
  }

  kill(id: NodeId): void {
    this.nodes.delete(id);
    this.submitters.delete(id);
    for (const channel of [`${id}>s`, `s>${id}`]) this.#channels.delete(channel);
    for (const submitter of this.submitters.values()) submitter.nodeDied(id);
    this.members();
  }

  restartScheduler(): void {
    this.state = newScheduler();
    this.#channels.clear();
    for (const submitter of this.submitters.values()) submitter.newScheduler();
    this.members();
  }

  members(): void {
    this.step({ kind: 'members', alive: [...this.nodes.keys()] });
  }

  report(id: NodeId): void {
    const node = this.nodes.get(id);
    if (node !== undefined) this.toScheduler(id, node.report());
  }

  request(id: NodeId, complete = false): void {
    const submitter = this.submitters.get(id);
    if (submitter !== undefined) this.toScheduler(id, submitter.request(complete));
  }

  toScheduler(from: NodeId, event: SchedulerEvent): void {
    this.#send(`${from}>s`, () => this.step(event));
  }

  step(event: SchedulerEvent): readonly SchedulerEffect[] {
    const env = { now: this.now, random: () => this.random.next() };
    const effects = scheduler(this.state, event, env);
    this.log.push(...effects);
    for (const effect of effects) {
      if (effect.kind === 'wake') continue;
      this.#send(`s>${effect.to}`, () => {
        if (effect.kind === 'ask-all') {
          this.request(effect.to, true);
          this.report(effect.to);
        } else this.submitters.get(effect.to)?.on(effect);
      });
    }
    this.check();
    return effects;
  }

  /** Delivers one message of a channel chosen at random. */
  deliver(): void {
    const full = [...this.#channels].filter(([, messages]) => messages.length > 0);
    const channel = full[this.random.below(full.length)]?.[1];
    channel?.shift()?.();
    this.check();
  }

  deliverAll(): void {
    for (;;) {
      if ([...this.#channels.values()].every((messages) => messages.length === 0)) return;
      this.deliver();
    }
  }

  /** What is sent to a node never exceeds what it has. */
  check(): void {
    if (!this.inFull) return;
    for (const node of this.nodes.values()) {
      const sent: Record<string, number> = {};
      for (const submitter of this.submitters.values()) submitter.addOut(node.id, sent);
      for (const [name, amount] of Object.entries(sent))
        assert.ok(
          amount <= (node.total[name] ?? 0),
          `${node.id} was sent ${amount} ${name}, it has ${node.total[name]}`,
        );
    }
  }

  #send(channel: string, deliver: () => void): void {
    const messages = this.#channels.get(channel) ?? [];
    this.#channels.set(channel, messages);
    messages.push(deliver);
    if (this.random.below(10) === 0) messages.push(deliver);
  }
}

export function ask(more: Partial<Ask> = {}): Ask {
  return {
    job: 'job',
    fn: 'fn',
    priority: 0,
    demand: { CPU: 10_000 },
    strategy: 'default',
    infeasibleAfterMs: 10_000,
    ...more,
  };
}
