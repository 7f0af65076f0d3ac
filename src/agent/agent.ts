import type { Env } from '../common/step.ts';
import { now } from '../common/timers.ts';
import type { NewsHandler } from '../core/port/inbox.ts';
import { event, outcome, stopFlag } from '../core/port/wire.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import type { Template } from '../core/submit/template.ts';
import { collect } from '../core/values/collector.ts';
import { encodeFailure, failure } from '../core/values/failures.ts';
import type { AgentPorts } from './agent-ports.ts';
import { Answers } from './answers.ts';
import { BegunSlots, begunOf } from './begun.ts';
import { Commands } from './commands.ts';
import { Copies } from './data/copies.ts';
import { Serving } from './data/serving.ts';
import { ExportedTemplates } from './exported.ts';
import { Handing } from './handing.ts';
import { ImportedTemplates } from './imported.ts';
import { Jobs, jobNumber } from './jobs.ts';
import { AgentNews } from './news.ts';
import { Objects } from './objects.ts';
import type { Arrivals } from './output/arrivals.ts';
import { Outbox } from './output/outbox.ts';
import { Peer } from './peer.ts';
import type { Granted, NodeId } from './ports.ts';
import { Pump } from './pump.ts';
import { RunningTasks } from './running.ts';
import { type Outgoing, Sending } from './sending.ts';
import { failureOf } from './submitter/failure.ts';
import { newSubmitter, type SubmitterEffect, type SubmitterEvent } from './submitter/state.ts';
import { submitterStep } from './submitter/step.ts';
import { WireValues } from './values.ts';
import {
  entry,
  readCancel,
  readCode,
  readFetched,
  readForget,
  readSettled,
  readTemplate,
  readUnnamed,
  writeUnnamed,
} from './wire/entries.ts';
import { type EntryReader, malformed } from './wire/entry.ts';
import { readHeard, readLost, readOutput } from './wire/output.ts';

const env: Env = {
  get now() {
    return now();
  },
  random: Math.random,
};

/** A node's agent: sends tasks that the node does not keep to others, and runs theirs. */
export class Agent implements NewsHandler {
  readonly #runtime: ThreadRuntime;
  readonly #ports: AgentPorts;
  readonly #values: WireValues;
  readonly #imported: ImportedTemplates;
  readonly #exported: ExportedTemplates;
  readonly #running: RunningTasks;
  readonly #handing: Handing;
  readonly #sending: Sending;
  readonly #outbox: Outbox;
  readonly #commands: Commands;
  readonly #answers: Answers;
  readonly #objects: Objects;
  readonly #slots: BegunSlots;
  readonly #serving: Serving;
  readonly #copies: Copies;
  readonly #pump: Pump;
  readonly #submitter = newSubmitter();
  /** Is told what the job table says. */
  readonly jobs: Jobs = new Jobs();
  readonly #peers = new Map<NodeId, Peer>();
  /** The task in the inbox that the step is asked about. */
  #handed: Outgoing | undefined;

  constructor(runtime: ThreadRuntime, ports: AgentPorts) {
    this.#runtime = runtime;
    this.#ports = ports;
    const { data } = ports;
    this.#serving = new Serving(data);
    this.#copies = new Copies(data);
    this.#values = new WireValues(runtime, data.serves);
    this.#imported = new ImportedTemplates(runtime, ports.register, this.jobs);
    this.jobs.onOver = (job) => this.#jobOver(job);
    this.#exported = new ExportedTemplates(runtime, this.#values, this.#imported, jobOf);
    const peer = (node: NodeId): Peer | undefined => (this.#submitter.dead.has(node) ? undefined : this.#peer(node));
    this.#outbox = new Outbox(ports.output, peer, this.rung);
    this.#objects = new Objects(runtime);
    this.#slots = new BegunSlots(runtime);
    this.#commands = new Commands(runtime, this.#values, this.#objects);
    this.#answers = new Answers({
      commands: this.#commands,
      imported: this.#imported,
      data,
      submitter: this.#submitter,
      complete: ({ node }, { index, generation, attempt }) =>
        this.#step({ kind: 'answer', node, index, generation, attempt }),
      misbehaved: ({ node }, error) => ports.misbehaved(node, error),
    });
    this.#running = new RunningTasks({
      slots: this.#slots,
      objects: this.#objects,
      commands: this.#commands,
      values: this.#values,
      imported: this.#imported,
      exported: this.#exported,
      jobs: this.jobs,
      serving: this.#serving,
      copies: this.#copies,
      misbehaved: ports.misbehaved,
      output: this.#outbox,
      nodeId: Buffer.from(runtime.facts.nodeId, 'hex'),
      nameOf: (template) => runtime.registry.get(template).info.name,
      meanOf: (template) => runtime.addon.templateMean(runtime.port.id, template),
    });
    this.#handing = new Handing(runtime, this.#values, (index) => this.#submitter.flights.get(index)?.attempt ?? 0);
    this.#sending = new Sending(runtime, this.#values, this.#exported, this.#serving);
    const news = new AgentNews(runtime, (token, result, pos) => this.#running.settled(token, result, pos));
    this.#pump = new Pump(runtime, news, {
      settle: () => {
        this.#opened = false;
        this.#outbox.drain();
        this.#step({ kind: 'settle' });
        return this.#opened;
      },
      flush: () => {
        this.#pump.wake(this.#outbox.due);
        const { now } = env;
        this.#serving.sweep(now, this.#unnamed);
        this.#pump.wake(this.#serving.due);
        for (const peer of this.#peers.values()) this.#pump.wake(peer.flush(now));
        this.#objects.flush();
      },
    });
    runtime.inbox.handleNews(this);
    runtime.inbox.beforeNews = () => this.#outbox.drain();
    runtime.inbox.forgetTemplate = (number) => this.#templateEnded(number);
  }

  /** Tasks of this node that are at others, and tasks of others that are here. */
  get load(): { readonly out: number; readonly running: number } {
    return { out: this.#submitter.flights.size, running: this.#running.size };
  }

  /** Tasks of others that have ended, with results that were not fetched yet. */
  get unfetched(): number {
    return this.#running.unfetched;
  }

  /** Mean times, in milliseconds, of the functions that tasks of others have run here since the last call. */
  means(): (readonly [fn: string, ms: number])[] {
    return this.#running.means();
  }

  // ---- what others tell ----

  /** A message of the session with `node`. */
  deliver(node: NodeId, body: Uint8Array): void {
    if (this.#submitter.dead.has(node)) return;
    try {
      const peer = this.#peer(node);
      peer.feed(body);
      this.#ports.arrivals?.endMessage(peer);
    } catch (error) {
      this.#ports.misbehaved(node, error);
    }
    this.#pump.later();
  }

  /** The session with `node` has room again. */
  go(node: NodeId): void {
    this.#peers.get(node)?.go();
  }

  /**
   * A node is dead, or the session with it has ended: its frames are refused from now on. `begun`: what it had begun, as its row
   * says; undefined: that is not known.
   */
  dead(node: NodeId, begun?: string): void {
    if (this.#submitter.dead.has(node)) return;
    const own = begun === undefined ? undefined : begunOf(this.#runtime.facts.nodeId, begun);
    this.#step({ kind: 'dead', node, begun: own });
    const peer = this.#peers.get(node);
    if (peer !== undefined) {
      this.#peers.delete(node);
      this.#running.forgetPeer(peer);
      this.#answers.forgetPeer(peer);
      this.#imported.forgetPeer(peer);
      this.#outbox.forgetPeer(peer);
      this.#ports.arrivals?.forgetPeer(peer);
    }
    this.#pump.later();
  }

  granted(words: readonly Granted[]): void {
    for (const word of words) this.#step({ kind: 'granted', word });
    this.#pump.later();
  }

  askAll(fresh: boolean): void {
    this.#step({ kind: 'ask-all', fresh });
    this.#pump.later();
  }

  #peer(node: NodeId): Peer {
    let peer = this.#peers.get(node);
    if (peer === undefined) {
      peer = new Peer(node, this.#ports.send, this.#entry);
      this.#peers.set(node, peer);
    }
    return peer;
  }

  readonly #entry = (peer: Peer, kind: number, from: EntryReader): void => {
    switch (kind) {
      case entry.template:
        this.#imported.template(peer, readTemplate(from));
        break;
      case entry.code: {
        const { name, bytes } = readCode(from);
        this.#imported.code(peer, name, bytes);
        break;
      }
      case entry.run:
        this.#running.run(peer, from, false);
        break;
      case entry.runNamed:
        this.#running.run(peer, from, true);
        break;
      case entry.answer:
        this.#ports.arrivals?.flush();
        this.#answers.take(peer, from, false);
        break;
      case entry.answerNamed:
        this.#ports.arrivals?.flush();
        this.#answers.take(peer, from, true);
        break;
      case entry.fetched:
        this.#running.fetched(peer, readFetched(from));
        break;
      case entry.unnamed:
        this.#copies.unnamed(peer, readUnnamed(from));
        break;
      case entry.cancel:
        this.#running.cancel(peer, readCancel(from));
        break;
      case entry.settled:
        this.#running.answersSettled(peer, readSettled(from));
        break;
      case entry.forget:
        this.#imported.forget(peer, readForget(from));
        break;
      case entry.output:
        this.#arrivals.output(peer, readOutput(from));
        break;
      case entry.lost:
        this.#arrivals.lost(peer, readLost(from));
        break;
      case entry.heard:
        this.#outbox.heard(peer, readHeard(from));
        break;
      default:
        throw malformed(`kind ${kind}`);
    }
  };

  /** Buffers are not named again. */
  readonly #unnamed = (number: number, nodes: ReadonlySet<NodeId>): void => {
    for (const node of nodes) {
      const peer = this.#peers.get(node);
      if (peer !== undefined) writeUnnamed(peer.out, number);
    }
  };

  /** A job is over: what is left of it here goes. */
  #jobOver(job: number): void {
    const { addon, port } = this.#runtime;
    addon.endJob(port.id, job);
    this.#running.endJob(job);
    this.#imported.endJob(job);
    this.#pump.later();
  }

  get #arrivals(): Arrivals {
    const { arrivals } = this.#ports;
    if (arrivals === undefined) throw malformed('output for a node that has no driver');
    return arrivals;
  }

  /** The driver has printed so many bytes of what `node` had sent. */
  printed(node: NodeId, job: number, bytes: number): void {
    const peer = this.#peers.get(node);
    if (peer === undefined) return;
    this.#ports.arrivals?.printed(peer, job, bytes);
    this.#pump.later();
  }

  // ---- what the core tells ----

  /** The core has rung, or a thread has written something. */
  readonly rung = (): void => this.#pump.later();

  handle(kind: number, pos: number): number {
    const view = this.#runtime.port.inboxView;
    const word = (at: number): number => view.getUint32(pos + at, true);
    const flags = this.#runtime.port.inbox[pos + 1] as number;
    switch (kind) {
      case event.task:
        return this.#task(pos);
      case event.line: {
        const isNew = (flags & 1) !== 0;
        const ask = isNew ? this.#text(pos + 12) : undefined;
        this.#step({ kind: 'line', line: word(4), waiting: word(8), ask, over: (flags & 2) !== 0 });
        return isNew ? this.#runtime.values.skip(pos + 12) : pos + 12;
      }
      case event.stopTask: {
        const how = { force: (flags & stopFlag.force) !== 0, recursive: (flags & stopFlag.recursive) !== 0 };
        this.#step({ kind: 'stop', index: word(4), generation: word(8), ...how });
        return pos + 12;
      }
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

  #text(pos: number): string {
    const { inbox, inboxView } = this.#runtime.port;
    return Buffer.from(inbox.subarray(pos + 4, pos + 4 + inboxView.getUint32(pos, true))).toString();
  }

  #task(pos: number): number {
    const { task, ask, tooLarge, end } = this.#handing.read(pos);
    const { index, generation, attempt, made } = task.head;
    this.#handed = task;
    if (made.length > 0) this.#step({ kind: 'follower', index, generation, attempt, ask, makers: made, tooLarge });
    else this.#step({ kind: 'task', index, generation, attempt, ask, tooLarge });
    if (this.#submitter.flights.get(index)?.generation !== generation) this.#sending.drop(task);
    this.#handed = undefined;
    return end;
  }

  #templateEnded(number: number): void {
    this.#exported.ended(number, this.#peers.values());
    this.#imported.ended(number);
  }

  // ---- what is done about it ----

  #step(of: SubmitterEvent): void {
    for (const effect of submitterStep(this.#submitter, of, env)) this.#carryOut(effect);
  }

  #carryOut(effect: SubmitterEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#send(this.#peer(effect.node));
        break;
      case 'give-back':
        this.#landed(effect.index);
        this.#commands.giveBack(effect.index, outcome.unbegun);
        break;
      case 'fail': {
        const attempt = this.#handed?.head.attempt ?? 1;
        this.#commands.fail(effect.index, outcome.failed, failureOf(effect.why, effect.ask, attempt));
        break;
      }
      case 'end':
        this.#landed(effect.index);
        this.#answers.end(effect.index, effect.ask.fn, this.jobs.isOver(jobNumber(effect.ask.job)));
        break;
      case 'lost': {
        this.#landed(effect.index);
        const bytes = encodeFailure(
          failure.nodeDied,
          effect.attempt,
          effect.fn,
          `node ${effect.node}, where it was, died`,
        );
        this.#commands.fail(effect.index, outcome.lost, bytes);
        break;
      }
      case 'cancel':
        this.#sending.cancel(this.#peer(effect.node), effect);
        break;
      case 'open':
        this.#commands.open(effect.line, effect.window);
        this.#opened = true;
        break;
      case 'close':
        this.#commands.close(effect.line);
        this.#opened = true;
        break;
      case 'request':
        this.#ports.request(effect.wanted);
        break;
      case 'wake':
        this.#pump.wake(effect.at);
        break;
    }
  }

  #landed(index: number): void {
    this.#sending.landed(index, env.now);
  }

  #send(peer: Peer): void {
    const task = this.#handed as Outgoing;
    const { index, generation, attempt } = task.head;
    this.#sending.send(peer, task, () => {
      const flight = this.#submitter.flights.get(index);
      return flight?.generation === generation && flight.attempt === attempt;
    });
  }

  /** Whether the core was asked for more tasks since its news were read. */
  #opened = false;

  /** Asks nothing of anybody any more. */
  close(): void {
    this.#pump.stop();
  }
}

function jobOf({ info }: Template): string {
  if (info.kind !== 'task' || info.job === undefined) throw new Error('only tasks of jobs go to other nodes');
  return info.job;
}
