import { Copies } from '../../../src/agent/data/copies.ts';
import { readUnplaced } from '../../../src/agent/data/named.ts';
import { Serving } from '../../../src/agent/data/serving.ts';
import { Jobs } from '../../../src/agent/jobs.ts';
import { Peer } from '../../../src/agent/peer.ts';
import type { Granted, NodeId, Wanted } from '../../../src/agent/ports.ts';
import { RunningTasks } from '../../../src/agent/running.ts';
import {
  entry,
  readAttempt,
  readCancel,
  readCode,
  readNumber,
  readSettled,
  readTemplate,
  writeUnnamed,
} from '../../../src/agent/wire/entries.ts';
import { type EntryReader, malformed } from '../../../src/agent/wire/entry.ts';
import type { Bug } from './bugs.ts';
import { Data } from './data.ts';
import { commandsTo, Imported, Inbox, Output, objectsOf, slotsOf } from './doubles.ts';
import { Executor, type Watched } from './executor.ts';
import type { Io } from './io.ts';
import { type Buffers, type Fetch, isFetch } from './messages.ts';
import type { Told } from './reading.ts';
import { Submitting } from './submitting.ts';

/** What an agent asks of what is around it. */
export interface AgentPorts extends Watched, Told {
  send(to: NodeId, body: Uint8Array): 'taken' | 'wait' | 'full' | 'ended';
  sendData(to: NodeId, message: Fetch | Buffers): void;
  request(wanted: Wanted): void;
  misbehaved(node: NodeId, error: unknown): void;
}

/** An agent: both halves as they are, between models of the cores. What `agent/agent.ts` does. */
export class Agent {
  readonly submitting: Submitting;
  readonly executor: Executor;
  readonly running: RunningTasks;
  readonly jobs: Jobs = new Jobs();
  readonly #io: Io;
  readonly #ports: AgentPorts;
  readonly #bug: Bug | undefined;
  readonly #inbox: Inbox;
  readonly #data: Data;
  readonly #serving: Serving;
  readonly #copies: Copies;
  readonly #imported: Imported;
  readonly #output: Output;
  readonly #peers = new Map<NodeId, Peer>();

  constructor(io: Io, node: NodeId, slots: number, bug: Bug | undefined, ports: AgentPorts) {
    this.#io = io;
    this.#ports = ports;
    this.#bug = bug;
    this.executor = new Executor(io, node, slots, ports);
    this.#imported = new Imported(this.jobs);
    this.#output = new Output(io);
    this.#data = new Data(io, {
      send: (to, message) => ports.sendData(to, message),
      ended: () => this.later(),
    });
    this.#serving = new Serving(this.#data);
    this.#copies = new Copies(this.#data);
    this.#inbox = new Inbox(this.#data);
    this.submitting = new Submitting(io, bug, this.#inbox, ports, this.#data, this.#serving, (of) => this.#peer(of));
    this.jobs.onOver = (job) => this.running.endJob(job);
    this.running = new RunningTasks({
      objects: objectsOf(this.executor),
      commands: commandsTo(this.executor, this.#data, bug),
      values: this.#inbox.port,
      imported: this.#imported.port,
      exported: this.submitting.exported.port,
      jobs: this.jobs,
      slots: slotsOf(this.executor),
      serving: this.#serving,
      copies: this.#copies,
      peer: (of) => (this.submitting.state.dead.has(of) ? undefined : this.#peer(of)),
      misbehaved: ports.misbehaved,
      output: this.#output.port,
      nodeId: Buffer.from(node, 'hex'),
      nameOf: () => 'f',
      mayMove: () => true,
      meanOf: () => 0,
    });
  }

  /** This node says that it leaves. It goes on here: what it has is fetched all the same. */
  leave(): void {
    this.running.leave();
    this.later();
  }

  /** Whether nothing of others is here. */
  get isEmpty(): boolean {
    return this.running.size + this.running.unfetched === 0;
  }

  lookAtWaiting(): void {
    this.running.lookAtWaiting();
    this.later();
  }

  /** Runs the loop soon. */
  later(): void {
    this.#io.at('pump', this.#io.now);
  }

  fired(timer: string): void {
    const others = [this.executor, this.#output, this.#data, this.submitting.reading];
    if (timer !== 'pump' && !others.some((other) => other.fired(timer))) {
      this.submitting.exported.fired(timer);
    }
    if (timer === 'pump') this.#pump();
    else this.later();
  }

  #pump(): void {
    for (let more = true; more; ) {
      const { news } = this.executor;
      this.executor.news = [];
      for (const { token, outcome } of news) {
        this.running.settled(token, outcome.status, this.#inbox.put(outcome.bytes));
      }
      more = this.submitting.look() || this.executor.news.length > 0;
      this.#inbox.clear();
    }
    this.#serving.sweep(this.#io.now, (number, nodes) => {
      for (const node of nodes) {
        const peer = this.#peers.get(node);
        if (peer !== undefined) writeUnnamed(peer.out, number);
      }
    });
    this.#io.at('pump', this.#serving.due);
    for (const peer of this.#peers.values()) this.#io.at('pump', peer.flush(this.#io.now));
    this.submitting.audit();
  }

  deliver(node: NodeId, body: Uint8Array): void {
    if (this.submitting.state.dead.has(node)) return;
    try {
      this.#peer(node).feed(body);
    } catch (error) {
      this.#ports.misbehaved(node, error);
    }
    this.later();
  }

  /** Something of the data plane has come. */
  data(node: NodeId, message: Fetch | Buffers): void {
    if (this.submitting.state.dead.has(node)) return;
    if (isFetch(message)) this.#data.asked(node, message);
    else this.#data.answered(message);
  }

  /** Buffers that are here, served or fetched. */
  get buffers(): number {
    return this.#data.size;
  }

  go(node: NodeId): void {
    this.#peers.get(node)?.go();
  }

  /** A node is dead, or the session with it has ended. */
  dead(node: NodeId): void {
    if (this.submitting.state.dead.has(node)) return;
    // What had begun there is not known: it counts.
    this.submitting.step({ kind: 'dead', node, begun: undefined });
    const peer = this.#peers.get(node);
    if (peer !== undefined) {
      this.#peers.delete(node);
      if (this.#bug !== 'runs of a dead peer kept') this.running.forgetPeer(peer);
      this.submitting.forgetPeer(peer);
      this.#imported.forgetPeer(peer);
    }
    this.later();
  }

  granted(words: readonly Granted[]): void {
    for (const word of words) this.submitting.granted(word);
    this.later();
  }

  askAll(fresh: boolean): void {
    this.submitting.step({ kind: 'ask-all', fresh });
    this.later();
  }

  #peer(node: NodeId): Peer {
    let peer = this.#peers.get(node);
    if (peer === undefined) {
      peer = new Peer(node, (to, body) => this.#ports.send(to, body), this.#entry);
      this.#peers.set(node, peer);
    }
    return peer;
  }

  readonly #entry = (peer: Peer, kind: number, from: EntryReader): void => {
    switch (kind) {
      case entry.template: {
        const { number, info, code } = readTemplate(from);
        this.#imported.template(peer, number, Number(info), code);
        break;
      }
      case entry.code:
        this.#imported.code(peer, readCode(from).name);
        break;
      case entry.run:
        this.running.run(peer, from, false);
        break;
      case entry.runNamed:
        this.running.run(peer, from, true);
        break;
      case entry.answerNamed:
        this.submitting.answer(peer, from, true);
        break;
      case entry.fetched:
        if (this.#bug !== 'fetched results kept') this.running.fetched(peer, readAttempt(from));
        break;
      case entry.stays:
        this.running.stays(peer, readAttempt(from));
        break;
      case entry.dropped:
        this.running.dropped(peer, readNumber(from));
        break;
      case entry.unplaced: {
        const { node, number } = readUnplaced(from);
        const other = this.#peers.get(node);
        if (other !== undefined && this.#bug !== 'copies kept of what stays elsewhere')
          this.#copies.unplaced(other, number);
        break;
      }
      case entry.leaving:
        from.end();
        this.submitting.leaving(peer);
        break;
      case entry.waits:
        this.submitting.step({ kind: 'waits', node: peer.node, ...readAttempt(from) });
        break;
      case entry.recall:
        this.running.recall(peer, readAttempt(from));
        break;
      case entry.unnamed:
        if (this.#bug !== 'copies kept that nobody names') this.#copies.unnamed(peer, readNumber(from));
        break;
      case entry.answer:
        this.submitting.answer(peer, from, false);
        break;
      case entry.cancel:
        this.running.cancel(peer, readCancel(from));
        break;
      case entry.settled:
        this.#settled(peer, readSettled(from));
        break;
      default:
        throw malformed(`kind ${kind}`);
    }
  };

  #settled(peer: Peer, count: number): void {
    if (this.#bug === 'results never let go') return;
    this.running.answersSettled(peer, count);
    if (this.#bug === 'settled counts twice') this.running.answersSettled(peer, count);
  }
}
