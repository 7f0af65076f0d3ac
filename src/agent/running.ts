import { withoutPage } from '../common/error-page.ts';
import { ObjectStoreFullError } from '../common/errors.ts';
import { status } from '../core/port/wire.ts';
import { encodeFailure, failure, NODE_AT } from '../core/values/failures.ts';
import type { BegunSlots } from './begun.ts';
import type { Commands } from './commands.ts';
import type { ExportedTemplates } from './exported.ts';
import type { ImportedTemplates } from './imported.ts';
import type { Jobs } from './jobs.ts';
import type { Objects } from './objects.ts';
import type { Outbox } from './output/outbox.ts';
import type { Peer } from './peer.ts';
import { Run } from './run.ts';
import { type WireValues, writeBytes, writeRenamed } from './values.ts';
import { type Attempted, answer, beginAnswer, type CancelEntry, readRunHead } from './wire/entries.ts';
import { type EntryReader, EntryWriter, malformed } from './wire/entry.ts';

/** Where the attempt stands in an error of the core's: behind the reason. */
const ATTEMPT_AT = 1;
/** Where a value begins in an entry of its own: behind length and kind; and its bytes: behind form and length. */
const PART_AT = 5;
const VALUE_AT = PART_AT + 5;

/** What tasks of other nodes need of the agent. */
export interface RunningPorts {
  readonly slots: BegunSlots;
  readonly objects: Objects;
  readonly commands: Commands;
  readonly values: WireValues;
  readonly imported: ImportedTemplates;
  readonly exported: ExportedTemplates;
  readonly jobs: Jobs;
  /** What the tasks have written goes before their answers. */
  readonly output: Outbox;
  /** The bytes of this node's id. */
  readonly nodeId: Uint8Array;
  /** What errors call a template of this node. */
  nameOf(template: number): string;
  /** The mean time of a template's attempts in nanoseconds; 0 if that is not known. */
  meanOf(template: number): number;
}

/** The executing half of an agent: tasks of other nodes, which the core of this node runs, once each. */
export class RunningTasks {
  readonly #ports: RunningPorts;
  readonly #runs = new Map<Peer, Map<number, Run>>();
  /** The peer asked for last, and its tasks. */
  #last: Peer | undefined;
  #ofLast: Map<number, Run> = new Map();
  /** Whose result an object is that the core is asked for, by token. */
  readonly #waiting: (Run | undefined)[] = [];
  readonly #free: number[] = [];
  /** Templates of tasks that came since their means were asked for. */
  readonly #used = new Set<number>();
  #size = 0;

  constructor(ports: RunningPorts) {
    this.#ports = ports;
  }

  /** How many tasks of other nodes are here. */
  get size(): number {
    return this.#size;
  }

  /** Mean times, in milliseconds, of functions that tasks have run since the last call, by the names of their lines. */
  means(): (readonly [fn: string, ms: number])[] {
    const means: (readonly [fn: string, ms: number])[] = [];
    for (const template of this.#used) {
      const nanoseconds = this.#ports.meanOf(template);
      if (nanoseconds > 0) means.push([this.#ports.nameOf(template), nanoseconds / 1e6]);
    }
    this.#used.clear();
    return means;
  }

  /** A task to run. */
  run(peer: Peer, entry: EntryReader): void {
    const { slots, imported, jobs, objects, commands, nameOf } = this.#ports;
    const head = readRunHead(entry);
    if (jobs.isOver(head.job)) {
      // It names what is gone with the job.
      answerNow(peer, head, encodeFailure(failure.cancelled, head.attempt, '', ''));
      return;
    }
    const inward = imported.inward(peer);
    const { number: template, job } = imported.find(peer, head.template);
    if (job !== head.job) throw malformed(`a task of job ${head.job}, whose template is of job ${job}`);
    this.#used.add(template);
    const run = new Run(peer, head, objects.take(head.results), slots.take(peer.id, head));
    this.#of(peer).set(run.index, run);
    this.#size += 1;
    try {
      commands.run(run, template, head, entry, inward);
    } catch (error) {
      if (!(error instanceof ObjectStoreFullError)) throw error;
      this.#failNow(run, encodeFailure(failure.noRoom, run.attempt, nameOf(template), withoutPage(error.message)));
      return;
    }
    for (const object of run.objects) commands.subscribe(object, this.#token(run));
  }

  #token(run: Run): number {
    const token = this.#free.pop() ?? this.#waiting.length;
    this.#waiting[token] = run;
    run.tokens.push(token);
    return token;
  }

  /** An object that the core was asked for is there; its value stands at `pos` of the inbox. */
  settled(token: number, outcome: number, pos: number): void {
    const run = this.#waiting[token] as Run;
    this.#waiting[token] = undefined;
    this.#free.push(token);
    const { values, output } = this.#ports;
    run.missing -= 1;
    if (outcome !== status.value) {
      // All results of a task have the same error.
      if (run.tokens[0] === token) this.#failed(run, outcome, pos);
    } else if (run.objects.length === 1 && !values.carriesCode(pos) && output.mayAnswer(run)) {
      // The commonest: from the inbox into the answer.
      const { out } = run.peer;
      beginAnswer(out, run, answer.values, 1);
      values.write(out, pos);
      out.end();
      this.#end(run);
      return;
    } else {
      run.parts[run.tokens.indexOf(token)] = this.#part(run, pos);
    }
    if (run.missing === 0) this.#answer(run);
  }

  /** A value as an entry of its own. */
  #part(run: Run, pos: number): Uint8Array {
    const { values } = this.#ports;
    const part = new EntryWriter();
    part.begin(0);
    if (values.carriesCode(pos)) {
      const { bytes, templates } = values.rename(pos);
      run.templates.push(...templates);
      writeRenamed(part, bytes);
    } else {
      values.write(part, pos);
    }
    part.end();
    return part.take();
  }

  #failed(run: Run, outcome: number, pos: number): void {
    const part = this.#part(run, pos);
    run.parts[0] = part;
    if (outcome !== status.systemError) {
      run.what = outcome === status.retryAsked ? answer.thrownAgain : answer.thrown;
      return;
    }
    const value = part.subarray(VALUE_AT);
    const reason = value[0];
    // Which attempt it is only the submitter knows, and where it was only this node.
    new DataView(value.buffer, value.byteOffset).setUint32(ATTEMPT_AT, run.attempt, true);
    value.set(this.#ports.nodeId, NODE_AT);
    const isLost = reason === failure.workerDied || reason === failure.broken || reason === failure.closed;
    run.what = isLost ? answer.lost : answer.failed;
  }

  /** Sends the answer, once the peer knows what is named in it, and what the task has written is on its way. */
  #answer(run: Run): void {
    const { peer, templates, what } = run;
    const { exported, output } = this.#ports;
    if (!output.mayAnswer(run)) {
      run.answer = () => this.#answer(run);
      output.answerLater(run);
      return;
    }
    if (!exported.tell(peer, templates, () => this.#answer(run))) return;
    const parts = what === answer.values ? run.parts : run.parts.slice(0, 1);
    beginAnswer(peer.out, run, what, parts.length);
    for (const part of parts) peer.out.raw(part.subarray(PART_AT));
    peer.out.end();
    this.#end(run);
  }

  /** It fails before it begins. */
  #failNow(run: Run, error: Uint8Array): void {
    answerNow(run.peer, run, error);
    this.#end(run);
  }

  #end(run: Run): void {
    for (const object of run.objects) this.#ports.objects.release(object);
    // A peer that is dead has none any more.
    const runs = run.peer === this.#last ? this.#ofLast : this.#runs.get(run.peer);
    if (runs?.delete(run.index) !== true) return;
    this.#size -= 1;
    run.peer.answered(run.slot);
  }

  cancel(peer: Peer, cancel: CancelEntry): void {
    const run = this.#of(peer).get(cancel.index);
    if (run?.generation !== cancel.generation || run.attempt !== cancel.attempt) return;
    this.#ports.commands.cancel(run.objects[0] as number, cancel.force, cancel.recursive);
  }

  /** A job is over: nobody waits for what its tasks do. */
  endJob(job: number): void {
    for (const runs of this.#runs.values()) {
      for (const run of runs.values()) {
        if (run.job === job) this.#ports.commands.cancel(run.objects[0] as number, true, true);
      }
    }
  }

  /** A node is dead: nobody waits for what its tasks do. */
  forgetPeer(peer: Peer): void {
    const runs = this.#of(peer);
    for (const { objects, slot } of runs.values()) {
      this.#ports.commands.cancel(objects[0] as number, true, true);
      this.#ports.slots.release(slot);
    }
    peer.forget();
    this.#size -= runs.size;
    this.#runs.delete(peer);
    this.#last = undefined;
  }

  /** A peer's tasks that are here, by their place there. */
  #of(peer: Peer): Map<number, Run> {
    if (peer === this.#last) return this.#ofLast;
    let runs = this.#runs.get(peer);
    if (runs === undefined) {
      runs = new Map();
      this.#runs.set(peer, runs);
    }
    this.#last = peer;
    this.#ofLast = runs;
    return runs;
  }
}

/** A task fails before it begins. */
function answerNow({ out }: Peer, of: Attempted, error: Uint8Array): void {
  beginAnswer(out, of, answer.failed, 1);
  writeBytes(out, error);
  out.end();
}
