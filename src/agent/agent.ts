import { withoutPage } from '../common/error-page.ts';
import { ObjectStoreFullError } from '../common/errors.ts';
import type { Env } from '../common/step.ts';
import { now, setImmediate, Timer } from '../common/timers.ts';
import type { NewsHandler } from '../core/port/inbox.ts';
import { event, outcome, stopFlag } from '../core/port/wire.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import type { Template } from '../core/submit/template.ts';
import { collect } from '../core/values/collector.ts';
import { encodeFailure, failure } from '../core/values/failures.ts';
import { BegunSlots, begunOf } from './begun.ts';
import { Commands } from './commands.ts';
import { ExportedTemplates } from './exported.ts';
import { ImportedTemplates, type Register } from './imported.ts';
import { AgentNews } from './news.ts';
import { Objects } from './objects.ts';
import { outcomes } from './outcomes.ts';
import { Peer, type Progress, type SendBody } from './peer.ts';
import type { Granted, NodeId, Wanted } from './ports.ts';
import { RunningTasks } from './running.ts';
import { type Outgoing, Sending } from './sending.ts';
import { failureOf } from './submitter/failure.ts';
import { newSubmitter, type SubmitterEffect, type SubmitterEvent } from './submitter/state.ts';
import { submitterStep } from './submitter/step.ts';
import { WireValues } from './values.ts';
import { entry, readAnswerHead, readCancel, readCode, readForget, readTemplate, writeCancel } from './wire/entries.ts';
import { type EntryReader, malformed } from './wire/entry.ts';

/** Bytes of a task record before its arguments. */
const TASK_HEAD = 28;
/** Rounds of news in one turn of the event loop. */
const ROUNDS = 32;

/** What an agent asks of what is around it. */
export interface AgentPorts {
  readonly register: Register;
  readonly send: SendBody;
  /** How many messages of the session with `node` were sent, and how many it has acknowledged. */
  progress(node: NodeId): Progress;
  request(wanted: Wanted): void;
  /** A peer broke the protocol: the session with it is to end. */
  misbehaved(node: NodeId, error: unknown): void;
}

/** An answer whose values are not read yet. */
interface Answer {
  readonly what: number;
  readonly values: number;
  readonly entry: EntryReader;
  readonly peer: Peer;
  readonly attempt: number;
}

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
  readonly #sending: Sending;
  readonly #commands: Commands;
  readonly #objects: Objects;
  readonly #slots: BegunSlots;
  readonly #news: AgentNews;
  readonly #submitter = newSubmitter();
  readonly #peers = new Map<NodeId, Peer>();
  readonly #dead = new Set<NodeId>();
  /** The task in the inbox that the step is asked about. */
  #handed: Outgoing | undefined;
  /** The values of the answer that the step is asked about. */
  #answer: Answer | undefined;
  #pumping = false;
  #scheduled = false;
  #timer: Timer | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(runtime: ThreadRuntime, ports: AgentPorts) {
    this.#runtime = runtime;
    this.#ports = ports;
    this.#values = new WireValues(runtime);
    this.#imported = new ImportedTemplates(runtime, ports.register);
    this.#exported = new ExportedTemplates(runtime, this.#values, this.#imported, jobOf);
    this.#objects = new Objects(runtime);
    this.#slots = new BegunSlots(runtime);
    this.#commands = new Commands(runtime, this.#values, this.#objects);
    this.#running = new RunningTasks({
      slots: this.#slots,
      objects: this.#objects,
      commands: this.#commands,
      values: this.#values,
      imported: this.#imported,
      exported: this.#exported,
      nameOf: (template) => runtime.registry.get(template).info.name,
      meanOf: (template) => runtime.addon.templateMean(runtime.port.id, template),
    });
    this.#sending = new Sending(runtime, this.#values, this.#exported);
    this.#news = new AgentNews(runtime, (token, result, pos) => this.#running.settled(token, result, pos));
    runtime.inbox.handleNews(this);
    runtime.inbox.forgetTemplate = (number) => this.#templateEnded(number);
  }

  /** Tasks of this node that are at others, and tasks of others that are here. */
  get load(): { readonly out: number; readonly running: number } {
    return { out: this.#submitter.flights.size, running: this.#running.size };
  }

  /** Mean times, in milliseconds, of the functions that tasks of others have run here since the last call. */
  means(): (readonly [fn: string, ms: number])[] {
    return this.#running.means();
  }

  // ---- what others tell ----

  /** A message of the session with `node`. */
  deliver(node: NodeId, body: Uint8Array): void {
    if (this.#dead.has(node)) return;
    try {
      this.#peer(node).feed(body);
    } catch (error) {
      this.#ports.misbehaved(node, error);
    }
    this.#later();
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
    if (this.#dead.has(node)) return;
    this.#dead.add(node);
    const own = begun === undefined ? undefined : begunOf(this.#runtime.facts.nodeId, begun);
    this.#step({ kind: 'dead', node, begun: own });
    const peer = this.#peers.get(node);
    if (peer !== undefined) {
      this.#peers.delete(node);
      this.#running.forgetPeer(peer);
      this.#imported.forgetPeer(peer);
    }
    this.#later();
  }

  granted(words: readonly Granted[]): void {
    for (const word of words) this.#step({ kind: 'granted', word });
    this.#later();
  }

  askAll(fresh: boolean): void {
    this.#step({ kind: 'ask-all', fresh });
    this.#later();
  }

  #peer(node: NodeId): Peer {
    let peer = this.#peers.get(node);
    if (peer === undefined) {
      peer = new Peer(node, { ...this.#ports, slots: this.#slots }, this.#entry);
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
        this.#running.run(peer, from);
        break;
      case entry.answer: {
        const { index, generation, attempt, what, values } = readAnswerHead(from);
        this.#answer = { what, values, entry: from, peer, attempt };
        this.#step({ kind: 'answer', node: peer.node, index, generation, attempt });
        break;
      }
      case entry.cancel:
        this.#running.cancel(peer, readCancel(from));
        break;
      case entry.forget:
        this.#imported.forget(peer, readForget(from));
        break;
      default:
        throw malformed(`kind ${kind}`);
    }
  };

  // ---- what the core tells ----

  /** The core has rung. */
  readonly rung = (): void => this.#later();

  handle(kind: number, pos: number): number {
    const view = this.#runtime.port.inboxView;
    const word = (at: number): number => view.getUint32(pos + at, true);
    const flags = this.#runtime.port.inbox[pos + 1] as number;
    switch (kind) {
      case event.task:
        return this.#task(pos, word);
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
      default:
        throw new Error(`an agent has no use for news of kind ${kind}`);
    }
  }

  #text(pos: number): string {
    const { inbox, inboxView } = this.#runtime.port;
    return Buffer.from(inbox.subarray(pos + 4, pos + 4 + inboxView.getUint32(pos, true))).toString();
  }

  #task(pos: number, word: (at: number) => number): number {
    const { registry, values } = this.#runtime;
    const { id, info } = registry.get(word(12));
    const [index, generation, attempt, deps] = [word(4), word(8), word(16), word(24)];
    if (info.kind !== 'task' || info.forward === undefined) throw new Error('a task came that this node keeps');
    const job = Number.parseInt(info.job ?? '', 16);
    const head = { index, generation, attempt, template: id, job, results: info.numReturns, deps };
    this.#handed = { head, argsAt: pos + TASK_HEAD };
    this.#step({ kind: 'task', index, generation, attempt, ask: info.forward });
    this.#handed = undefined;
    let end = pos + TASK_HEAD;
    for (let i = 0; i <= deps; i++) end = values.skip(end);
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
        this.#commands.giveBack(effect.index, outcome.unbegun);
        break;
      case 'fail': {
        const attempt = this.#handed?.head.attempt ?? 1;
        this.#commands.fail(effect.index, outcome.failed, failureOf(effect.why, effect.ask, attempt));
        break;
      }
      case 'end':
        this.#end(effect.index, effect.fn);
        break;
      case 'lost': {
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
        writeCancel(this.#peer(effect.node).out, effect);
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
        this.#wake(effect.at);
        break;
    }
  }

  #send(peer: Peer): void {
    const task = this.#handed as Outgoing;
    const { index, generation, attempt } = task.head;
    this.#sending.send(peer, task, () => {
      const flight = this.#submitter.flights.get(index);
      return flight?.generation === generation && flight.attempt === attempt;
    });
  }

  /** Ends an attempt with the answer that came. */
  #end(index: number, fn: string): void {
    const { what, values, entry: from, peer, attempt } = this.#answer as Answer;
    try {
      this.#commands.result(index, outcomes[what] as number, values, from, this.#imported.inward(peer));
    } catch (error) {
      if (!(error instanceof ObjectStoreFullError)) throw error;
      const details = withoutPage(error.message);
      this.#commands.fail(index, outcome.failed, encodeFailure(failure.noRoom, attempt, fn, details));
    }
  }

  /** Whether the core was asked for more tasks since its news were read. */
  #opened = false;

  // ---- when ----

  /** Reads news and tells what has changed, soon. */
  #later(): void {
    if (this.#scheduled || this.#runtime.closed) return;
    this.#scheduled = true;
    setImmediate(this.#pump);
  }

  readonly #pump = (): void => {
    this.#scheduled = false;
    if (this.#pumping || this.#runtime.closed) return;
    this.#pumping = true;
    const { port } = this.#runtime;
    let more = true;
    try {
      for (let round = 0; more && round < ROUNDS; round++) {
        more = port.step(this.#news, true);
        if (more) continue;
        this.#opened = false;
        this.#step({ kind: 'settle' });
        more = this.#opened;
      }
      for (const peer of this.#peers.values()) peer.flush();
      this.#objects.flush();
    } finally {
      this.#pumping = false;
    }
    if (more) this.#later();
  };

  #wake(at: number): void {
    if (at >= this.#wakeAt) return;
    this.#timer?.cancel();
    this.#wakeAt = at;
    this.#timer = new Timer(Math.max(0, at - now()), () => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.#later();
    });
  }

  /** Asks nothing of anybody any more. */
  close(): void {
    this.#timer?.cancel();
  }
}

function jobOf({ info }: Template): string {
  if (info.kind !== 'task' || info.job === undefined) throw new Error('only tasks of jobs go to other nodes');
  return info.job;
}
