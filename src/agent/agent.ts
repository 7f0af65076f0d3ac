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
import type { AgentPorts } from './agent-ports.ts';
import { Commands } from './commands.ts';
import { ExportedTemplates } from './exported.ts';
import { ImportedTemplates } from './imported.ts';
import { outcomes } from './outcomes.ts';
import type { Arrivals } from './output/arrivals.ts';
import { Outbox } from './output/outbox.ts';
import { Peer } from './peer.ts';
import type { Granted, NodeId } from './ports.ts';
import { RunningTasks } from './running.ts';
import { type Outgoing, Sending } from './sending.ts';
import { failureOf } from './submitter/failure.ts';
import { newSubmitter, type SubmitterEffect, type SubmitterEvent } from './submitter/state.ts';
import { submitterStep } from './submitter/step.ts';
import { type Arrived, WireValues } from './values.ts';
import { entry, readAnswerHead, readCancel, readCode, readForget, readTemplate, writeCancel } from './wire/entries.ts';
import { type EntryReader, malformed } from './wire/entry.ts';
import { readHeard, readLost, readOutput } from './wire/output.ts';

/** Bytes of a task record before its arguments. */
const TASK_HEAD = 28;
/** Rounds of news in one turn of the event loop. */
const ROUNDS = 32;

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
  readonly #outbox: Outbox;
  readonly #commands: Commands;
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
    const peer = (node: NodeId): Peer | undefined => (this.#dead.has(node) ? undefined : this.#peer(node));
    this.#outbox = new Outbox(ports.output, peer, this.rung);
    const parts = { values: this.#values, imported: this.#imported, exported: this.#exported };
    this.#running = new RunningTasks({ runtime, ...parts, output: this.#outbox });
    this.#sending = new Sending(runtime, this.#values, this.#exported);
    this.#commands = new Commands(runtime, this.#values);
    runtime.inbox.handleNews(this);
    runtime.inbox.beforeNews = () => this.#outbox.drain();
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
      const peer = this.#peer(node);
      peer.feed(body);
      this.#ports.arrivals?.endMessage(peer);
    } catch (error) {
      this.#ports.misbehaved(node, error);
    }
    this.#later();
  }

  /** The session with `node` has room again. */
  go(node: NodeId): void {
    this.#peers.get(node)?.go();
  }

  /** A node is dead, or the session with it has ended: its frames are refused from now on. */
  dead(node: NodeId): void {
    if (this.#dead.has(node)) return;
    this.#dead.add(node);
    this.#step({ kind: 'dead', node });
    const peer = this.#peers.get(node);
    if (peer !== undefined) {
      this.#peers.delete(node);
      this.#running.forgetPeer(peer);
      this.#imported.forgetPeer(peer);
      this.#outbox.forgetPeer(peer);
      this.#ports.arrivals?.forgetPeer(peer);
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
        this.#running.run(peer, from);
        break;
      case entry.answer: {
        this.#ports.arrivals?.flush();
        const { what, values, ...attempted } = readAnswerHead(from);
        this.#answer = { what, values, entry: from, peer, attempt: attempted.attempt };
        this.#step({ kind: 'answer', node: peer.node, ...attempted });
        break;
      }
      case entry.cancel:
        this.#running.cancel(peer, readCancel(from));
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
    this.#later();
  }

  // ---- what the core tells ----

  /** The core has rung, or a thread has written something. */
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
        this.#commands.result(effect.index, outcome.unbegun, []);
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
    const inward = this.#imported.inward(peer);
    const arrived: Arrived[] = [];
    for (let i = 0; i < values; i++) arrived.push(this.#values.read(from, inward));
    from.end();
    try {
      this.#commands.result(index, outcomes[what] as number, arrived);
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
    const { port, inbox } = this.#runtime;
    let more = true;
    try {
      this.#outbox.drain();
      for (let round = 0; more && round < ROUNDS; round++) {
        more = port.step(inbox, true);
        if (more) continue;
        this.#opened = false;
        this.#step({ kind: 'settle' });
        more = this.#opened;
      }
      this.#wake(this.#outbox.due);
      for (const peer of this.#peers.values()) peer.flush();
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
