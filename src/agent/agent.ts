import { now, setImmediate } from '../common/timers.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import type { Template } from '../core/submit/template.ts';
import type { AgentPorts } from './agent-ports.ts';
import { BegunSlots } from './begun.ts';
import { Commands } from './commands.ts';
import { Copies } from './data/copies.ts';
import { readUnplaced } from './data/named.ts';
import { Serving } from './data/serving.ts';
import { ExportedTemplates } from './exported.ts';
import { ImportedTemplates } from './imported.ts';
import { Jobs } from './jobs.ts';
import { AgentNews } from './news.ts';
import { Objects } from './objects.ts';
import type { Arrivals } from './output/arrivals.ts';
import { Outbox } from './output/outbox.ts';
import { Peer } from './peer.ts';
import { Places } from './places.ts';
import type { Granted, NodeId } from './ports.ts';
import { Pump } from './pump.ts';
import { RunningTasks } from './running.ts';
import { SubmittingTasks } from './submitting.ts';
import { WireValues } from './values.ts';
import {
  entry,
  readAttempt,
  readCancel,
  readCode,
  readForget,
  readNumber,
  readSettled,
  readTemplate,
  writeUnnamed,
} from './wire/entries.ts';
import { type EntryReader, malformed } from './wire/entry.ts';
import { readHeard, readLost, readOutput } from './wire/output.ts';

/** A node's agent: sends tasks that the node does not keep to others, and runs theirs. */
export class Agent {
  readonly #runtime: ThreadRuntime;
  readonly #ports: AgentPorts;
  readonly #values: WireValues;
  readonly #imported: ImportedTemplates;
  readonly #exported: ExportedTemplates;
  readonly #running: RunningTasks;
  readonly #submitting: SubmittingTasks;
  readonly #outbox: Outbox;
  readonly #objects: Objects;
  readonly #slots: BegunSlots;
  readonly #serving: Serving;
  readonly #copies: Copies;
  readonly #pump: Pump;
  /** Is told what the job table says. */
  readonly jobs: Jobs = new Jobs();
  readonly #peers = new Map<NodeId, Peer>();

  constructor(runtime: ThreadRuntime, ports: AgentPorts) {
    this.#runtime = runtime;
    this.#ports = ports;
    const { data } = ports;
    // Later: what finds it out goes on with what the end of the session takes away.
    const misbehaved = (node: NodeId, error: unknown): void => void setImmediate(() => ports.misbehaved(node, error));
    this.#serving = new Serving(data);
    this.#copies = new Copies(data);
    const peerOf = (node: NodeId): Peer | undefined => (this.#submitting.isDead(node) ? undefined : this.#peer(node));
    this.#values = new WireValues(runtime, data.serves);
    this.#imported = new ImportedTemplates(runtime, ports.register, this.jobs);
    this.jobs.onOver = (job) => this.#jobOver(job);
    this.#exported = new ExportedTemplates(runtime, this.#values, this.#imported, jobOf);
    this.#outbox = new Outbox(ports.output, peerOf, this.rung);
    this.#objects = new Objects(runtime);
    this.#slots = new BegunSlots(runtime);
    const commands = new Commands(runtime, this.#values, this.#objects);
    this.#running = new RunningTasks({
      slots: this.#slots,
      objects: this.#objects,
      commands,
      values: this.#values,
      imported: this.#imported,
      exported: this.#exported,
      jobs: this.jobs,
      serving: this.#serving,
      copies: this.#copies,
      peer: peerOf,
      misbehaved,
      output: this.#outbox,
      nodeId: Buffer.from(runtime.facts.nodeId, 'hex'),
      nameOf: (template) => this.nameOf(template),
      mayMove: (template) => mayMove(runtime.registry.get(template)),
      meanOf: (template) => runtime.addon.templateMean(runtime.port.id, template),
    });
    this.#submitting = new SubmittingTasks(runtime, {
      values: this.#values,
      exported: this.#exported,
      imported: this.#imported,
      commands,
      serving: this.#serving,
      places: new Places({ commands, data, peer: peerOf }),
      data,
      jobs: this.jobs,
      peer: (node) => this.#peer(node),
      request: ports.request,
      misbehaved,
      wake: (at) => this.#pump.wake(at),
    });
    const news = new AgentNews(runtime, (token, result, pos) => this.#running.settled(token, result, pos));
    this.#pump = new Pump(runtime, news, {
      settle: () => {
        this.#outbox.drain();
        return this.#submitting.settle();
      },
      flush: () => {
        this.#pump.wake(this.#outbox.due);
        const time = now();
        this.#serving.sweep(time, this.#unnamed);
        this.#pump.wake(this.#serving.due);
        for (const peer of this.#peers.values()) this.#pump.wake(peer.flush(time));
        this.#objects.flush();
      },
    });
    runtime.inbox.handleNews(this.#submitting);
    runtime.inbox.beforeNews = () => this.#outbox.drain();
    runtime.inbox.forgetTemplate = (number) => this.#templateEnded(number);
  }

  /** Tasks of this node that are at others, and tasks of others that are here. */
  get load(): { readonly out: number; readonly running: number } {
    return { out: this.#submitting.size, running: this.#running.size };
  }

  /** Results of tasks of others that were not fetched yet, those that stay here among them. */
  get unfetched(): number {
    return this.#running.unfetched;
  }

  /** This node leaves: others fetch what stays here. */
  leave(): void {
    this.#running.leave();
    this.#pump.later();
  }

  /** Called about once a second: tasks of others that wait here may run elsewhere. */
  lookAtWaiting(): void {
    if (this.#running.size === 0) return;
    this.#running.lookAtWaiting();
    this.#pump.later();
  }

  /** Mean times, in milliseconds, of the functions that tasks of others have run here since the last call. */
  means(): (readonly [fn: string, ms: number])[] {
    return this.#running.means();
  }

  /** By what the lines of a template's tasks name their function. */
  nameOf(template: number): string {
    return this.#runtime.registry.get(template).info.name;
  }

  /** The same; undefined: the template has ended meanwhile, with its tasks. */
  nameIfThere(template: number): string | undefined {
    try {
      return this.nameOf(template);
    } catch {
      return undefined;
    }
  }

  // ---- what others tell ----

  /** A message of the session with `node`. */
  deliver(node: NodeId, body: Uint8Array): void {
    if (this.#submitting.isDead(node)) return;
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
    if (this.#submitting.isDead(node)) return;
    this.#submitting.dead(node, begun);
    const peer = this.#peers.get(node);
    if (peer !== undefined) {
      this.#peers.delete(node);
      this.#running.forgetPeer(peer);
      this.#submitting.forgetPeer(peer);
      this.#imported.forgetPeer(peer);
      this.#outbox.forgetPeer(peer);
      this.#ports.arrivals?.forgetPeer(peer);
    }
    this.#pump.later();
  }

  granted(words: readonly Granted[]): void {
    this.#submitting.granted(words);
    this.#pump.later();
  }

  askAll(fresh: boolean): void {
    this.#submitting.askAll(fresh);
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
        this.#submitting.answer(peer, from, false);
        break;
      case entry.answerNamed:
        this.#ports.arrivals?.flush();
        this.#submitting.answer(peer, from, true);
        break;
      case entry.fetched:
        this.#running.fetched(peer, readAttempt(from));
        break;
      case entry.stays:
        this.#running.stays(peer, readAttempt(from));
        break;
      case entry.dropped:
        this.#running.dropped(peer, readNumber(from));
        break;
      case entry.unplaced: {
        const { node, number } = readUnplaced(from);
        const other = this.#peers.get(node);
        if (other !== undefined) this.#copies.unplaced(other, number);
        break;
      }
      case entry.leaving:
        from.end();
        this.#submitting.leaving(peer);
        break;
      case entry.waits:
        this.#submitting.waits(peer, readAttempt(from));
        break;
      case entry.recall:
        this.#running.recall(peer, readAttempt(from));
        break;
      case entry.unnamed:
        this.#copies.unnamed(peer, readNumber(from));
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

  #templateEnded(number: number): void {
    this.#exported.ended(number, this.#peers.values());
    this.#imported.ended(number);
  }

  /** Asks nothing of anybody any more. */
  close(): void {
    this.#pump.stop();
  }
}

/** Whether a task may run on another node than it has been sent to. */
function mayMove({ info }: Template): boolean {
  const strategy = info.kind === 'task' ? info.spec.schedulingStrategy : undefined;
  return typeof strategy !== 'object' || strategy.soft === true;
}

function jobOf({ info }: Template): string {
  if (info.kind !== 'task' || info.job === undefined) throw new Error('only tasks of jobs go to other nodes');
  return info.job;
}
