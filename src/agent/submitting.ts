import { printStep, printsSteps } from '../common/figure7.ts';
import { cellName, shortNode } from '../common/ids.ts';
import type { Env } from '../common/step.ts';
import { now } from '../common/timers.ts';
import type { NewsHandler } from '../core/port/inbox.ts';
import { event, lineFlag, outcome, stopFlag } from '../core/port/wire.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { collect } from '../core/values/collector.ts';
import { encodeFailure, failure } from '../core/values/failures.ts';
import { Answers } from './answers.ts';
import { begunOf } from './begun.ts';
import type { Commands } from './commands.ts';
import type { DataPort } from './data/ports.ts';
import type { Serving } from './data/serving.ts';
import type { ExportedTemplates } from './exported.ts';
import { Handing } from './handing.ts';
import type { ImportedTemplates } from './imported.ts';
import { type Jobs, jobNumber } from './jobs.ts';
import type { Peer } from './peer.ts';
import type { Places } from './places.ts';
import type { Granted, NodeId, Wanted } from './ports.ts';
import { type Outgoing, Sending } from './sending.ts';
import { failureOf } from './submitter/failure.ts';
import { newSubmitter, type SubmitterEffect, type SubmitterEvent } from './submitter/state.ts';
import { submitterStep } from './submitter/step.ts';
import type { WireValues } from './values.ts';
import { type Attempted, answer, entry, writeAttempt } from './wire/entries.ts';
import type { EntryReader } from './wire/entry.ts';

const env: Env = {
  get now() {
    return now();
  },
  random: Math.random,
};

/** What tasks for other nodes need of the agent. */
export interface SubmittingPorts {
  readonly values: WireValues;
  readonly exported: ExportedTemplates;
  readonly imported: ImportedTemplates;
  readonly commands: Commands;
  readonly serving: Serving;
  readonly places: Places;
  readonly data: DataPort;
  readonly jobs: Jobs;
  peer(node: NodeId): Peer;
  request(wanted: Wanted): void;
  /** A peer broke the protocol. */
  misbehaved(node: NodeId, error: unknown): void;
  /** `settle` is wanted at this time. */
  wake(at: number): void;
}

/** The submitting half of an agent: tasks that the core hands out, and what becomes of them. `submitter/` decides. */
export class SubmittingTasks implements NewsHandler {
  readonly #runtime: ThreadRuntime;
  readonly #ports: SubmittingPorts;
  readonly #handing: Handing;
  readonly #sending: Sending;
  readonly #answers: Answers;
  readonly #submitter = newSubmitter();
  /** The task in the inbox that the step is asked about. */
  #handed: Outgoing | undefined;
  /** Whether the core was asked for more tasks since its news were read. */
  #opened = false;

  constructor(runtime: ThreadRuntime, ports: SubmittingPorts) {
    this.#runtime = runtime;
    this.#ports = ports;
    const { values, exported, serving, misbehaved } = ports;
    this.#handing = new Handing(runtime, values, (index) => this.#submitter.flights.get(index)?.attempt ?? 0);
    this.#sending = new Sending(runtime, values, exported, serving, ports.places);
    this.#answers = new Answers({
      ...ports,
      submitter: this.#submitter,
      complete: ({ node }, { index, generation, attempt, what }) =>
        this.#step({ kind: 'answer', node, index, generation, attempt, hasBegun: what < answer.unbegun }),
      misbehaved: ({ node }, error) => misbehaved(node, error),
    });
  }

  /** How many tasks are out. */
  get size(): number {
    return this.#submitter.flights.size;
  }

  isDead(node: NodeId): boolean {
    return this.#submitter.dead.has(node);
  }

  /** A node is dead. `begun`: what it had begun, as its row says; undefined: that is not known. */
  dead(node: NodeId, begun: string | undefined): void {
    const own = begun === undefined ? undefined : begunOf(this.#runtime.facts.nodeId, begun);
    this.#step({ kind: 'dead', node, begun: own });
  }

  forgetPeer(peer: Peer): void {
    this.#answers.forgetPeer(peer);
    this.#ports.places.forgetPeer(peer);
  }

  /** A node leaves: what stays there comes here. */
  leaving(peer: Peer): void {
    peer.leaves = true;
    this.#step({ kind: 'leaving', node: peer.node });
    this.#ports.places.bringAll(peer);
  }

  /** A node says that a task has waited there for long. */
  waits({ node }: Peer, { index, generation, attempt }: Attempted): void {
    this.#step({ kind: 'waits', node, index, generation, attempt });
  }

  /** A node says what became of a task. `named`: with values that are to be fetched. */
  answer(peer: Peer, entry: EntryReader, named: boolean): void {
    this.#answers.take(peer, entry, named);
  }

  granted(words: readonly Granted[]): void {
    for (const word of words) this.#step({ kind: 'granted', word });
  }

  askAll(fresh: boolean): void {
    this.#step({ kind: 'ask-all', fresh });
  }

  /** All news were read: what has changed is told. True if the core was asked for more tasks. */
  settle(): boolean {
    this.#opened = false;
    this.#step({ kind: 'settle' });
    return this.#opened;
  }

  handle(kind: number, pos: number): number {
    const view = this.#runtime.port.inboxView;
    const word = (at: number): number => view.getUint32(pos + at, true);
    const flags = this.#runtime.port.inbox[pos + 1] as number;
    switch (kind) {
      case event.task:
        return this.#task(pos);
      case event.line:
        return this.#line(pos + 12, word(4), word(8), flags);
      case event.stopTask: {
        const how = { force: (flags & stopFlag.force) !== 0, recursive: (flags & stopFlag.recursive) !== 0 };
        this.#step({ kind: 'stop', index: word(4), generation: word(8), ...how });
        return pos + 12;
      }
      case event.need:
        this.#ports.places.need(word(4), word(8));
        return pos + 12;
      case event.drop:
        this.#ports.places.drop(word(4));
        return pos + 8;
      case event.collect:
        collect();
        return pos + 4;
      case event.stopActors:
        // It has none.
        return pos + 4;
      default:
        throw new Error(`an agent has no use for news of kind ${kind}`);
    }
  }

  #line(pos: number, line: number, waiting: number, flags: number): number {
    const { inboxView: view } = this.#runtime.port;
    const hasMean = (flags & lineFlag.mean) !== 0;
    const meanMs = hasMean ? view.getUint32(pos, true) / 1e6 : undefined;
    const at = hasMean ? pos + 4 : pos;
    const isNew = (flags & lineFlag.isNew) !== 0;
    const ask = isNew ? this.#text(at) : undefined;
    const end = isNew ? this.#runtime.values.skip(at) : at;
    const hasNear = (flags & lineFlag.near) !== 0;
    const node = hasNear ? this.#ports.places.nodeOf(view.getUint32(end, true)) : undefined;
    const near = node === undefined ? undefined : { node, bytes: view.getUint32(end + 4, true) * 1024 };
    this.#step({ kind: 'line', line, waiting, meanMs, ask, near, over: (flags & lineFlag.over) !== 0 });
    return hasNear ? end + 8 : end;
  }

  #text(pos: number): string {
    const { inbox, inboxView } = this.#runtime.port;
    return Buffer.from(inbox.subarray(pos + 4, pos + 4 + inboxView.getUint32(pos, true))).toString();
  }

  #task(pos: number): number {
    const { task, line, ask, mayRepeat, tooLarge, end } = this.#handing.read(pos);
    const { index, generation, attempt, made } = task.head;
    this.#handed = task;
    if (made.length > 0) {
      this.#step({ kind: 'follower', index, generation, attempt, mayRepeat, tooLarge, ask, makers: made });
    } else {
      const lacks = task.placed.size > 0 && !this.#ports.places.haveAll(task.placed.values());
      this.#step({ kind: 'task', index, generation, attempt, mayRepeat, tooLarge, line, lacks });
    }
    if (this.#submitter.flights.get(index)?.generation !== generation) this.#sending.drop(task);
    this.#handed = undefined;
    return end;
  }

  #step(of: SubmitterEvent): void {
    for (const effect of submitterStep(this.#submitter, of, env)) this.#carryOut(effect);
  }

  #carryOut(effect: SubmitterEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#send(this.#ports.peer(effect.node));
        break;
      case 'give-back':
        this.#landed(effect.index);
        this.#ports.commands.giveBack(effect.index, outcome.unbegun);
        break;
      case 'fail': {
        const attempt = this.#handed?.head.attempt ?? 1;
        this.#ports.commands.fail(effect.index, outcome.failed, failureOf(effect.why, effect.ask, attempt));
        break;
      }
      case 'end':
        this.#landed(effect.index);
        if (printsSteps)
          printStep(
            'heard',
            this.#runtime.facts.nodeId,
            `the node hears how ${effect.ask.fn} has ended, or that it comes back`,
          );
        this.#answers.end(effect.index, effect.ask.fn, this.#ports.jobs.isOver(jobNumber(effect.ask.job)));
        break;
      case 'lost': {
        this.#landed(effect.index);
        const bytes = encodeFailure(
          failure.nodeDied,
          effect.attempt,
          effect.fn,
          `node ${effect.node}, where it was, died`,
        );
        this.#ports.commands.fail(effect.index, outcome.lost, bytes);
        break;
      }
      case 'cancel':
        this.#sending.cancel(this.#ports.peer(effect.node), effect);
        break;
      case 'recall':
        writeAttempt(this.#ports.peer(effect.node).out, entry.recall, effect);
        break;
      case 'open':
        this.#ports.commands.open(effect.line, effect.window);
        this.#opened = true;
        break;
      case 'close':
        this.#ports.commands.close(effect.line);
        this.#opened = true;
        break;
      case 'request':
        if (printsSteps) this.#printRequest(effect.wanted);
        this.#ports.request(effect.wanted);
        break;
      case 'wake':
        this.#ports.wake(effect.at);
        break;
    }
  }

  #printRequest({ wishes }: Wanted): void {
    for (const { ask, count } of wishes) {
      if (count > 0)
        printStep(
          'asked',
          this.#runtime.facts.nodeId,
          `the global scheduler is asked for places: ${count} of ${ask.fn}`,
        );
    }
  }

  #landed(index: number): void {
    this.#sending.landed(index, env.now);
  }

  #send(peer: Peer): void {
    const task = this.#handed as Outgoing;
    const { index, generation, attempt } = task.head;
    if (printsSteps) {
      const { nodeId } = this.#runtime.facts;
      const { name } = this.#runtime.registry.get(task.head.template).info;
      printStep(
        'sent',
        nodeId,
        `${name} goes to node ${shortNode(peer.node)}, as task ${cellName(nodeId, index, generation)}`,
      );
    }
    this.#sending.send(peer, task, () => {
      const flight = this.#submitter.flights.get(index);
      return flight?.generation === generation && flight.attempt === attempt;
    });
  }
}
