import { withoutPage } from '../common/error-page.ts';
import { ObjectStoreFullError } from '../common/errors.ts';
import { op, status, submit } from '../core/port/wire.ts';
import { ObjectRef } from '../core/refs/object-ref.ts';
import { taskId } from '../core/run/origin.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { encodeFailure, failure } from '../core/values/failures.ts';
import type { Subscriber } from '../core/wait/subscriptions.ts';
import type { ExportedTemplates } from './exported.ts';
import type { ImportedTemplates } from './imported.ts';
import type { Follower, Outbox } from './output/outbox.ts';
import type { Peer } from './peer.ts';
import type { Arrived, WireValues } from './values.ts';
import { writeBytes, writeRenamed } from './values.ts';
import { type Attempted, answer, beginAnswer, type CancelEntry, type RunHead, readRunHead } from './wire/entries.ts';
import { type EntryReader, EntryWriter } from './wire/entry.ts';

/** Bytes of an error of the core's before which nothing tells attempts apart: the reason. */
const ATTEMPT_AT = 1;

/** What tasks of other nodes need of the agent. */
export interface RunningPorts {
  readonly runtime: ThreadRuntime;
  readonly values: WireValues;
  readonly imported: ImportedTemplates;
  readonly exported: ExportedTemplates;
  /** What the tasks have written goes before their answers. */
  readonly output: Outbox;
}

/** The executing half of an agent: tasks of other nodes, which the core of this node runs, once each. */
export class RunningTasks {
  readonly #ports: RunningPorts;
  /** By peer, by the task's place and generation there. */
  readonly #runs = new Map<Peer, Map<string, Run>>();

  /** Templates of tasks that came since their means were asked for. */
  readonly #used = new Set<number>();

  constructor(ports: RunningPorts) {
    this.#ports = ports;
  }

  /** Mean times, in milliseconds, of functions that tasks have run since the last call, by the names of their lines. */
  means(): (readonly [fn: string, ms: number])[] {
    const { addon, port, registry } = this.#ports.runtime;
    const means: (readonly [fn: string, ms: number])[] = [];
    for (const template of this.#used) {
      const nanoseconds = addon.templateMean(port.id, template);
      if (nanoseconds > 0) means.push([registry.get(template).info.name, nanoseconds / 1e6]);
    }
    this.#used.clear();
    return means;
  }

  /** How many tasks of other nodes are here. */
  get size(): number {
    let size = 0;
    for (const runs of this.#runs.values()) size += runs.size;
    return size;
  }

  /** A task to run. */
  run(peer: Peer, entry: EntryReader): void {
    const { values, imported } = this.#ports;
    const head = readRunHead(entry);
    const inward = imported.inward(peer);
    const { number } = inward(head.template);
    this.#used.add(number);
    const args = values.read(entry, inward);
    const deps: Arrived[] = [];
    for (let i = 0; i < head.deps; i++) deps.push(values.read(entry, inward));
    entry.end();
    const run = new Run(this.#ports, peer, head, () => this.#runs.get(peer)?.delete(key(head)));
    this.#of(peer).set(key(head), run);
    try {
      this.#submit(run, number, head.job, args, deps);
    } catch (error) {
      if (!(error instanceof ObjectStoreFullError)) throw error;
      const fn = this.#ports.runtime.registry.get(number).info.name;
      run.failNow(encodeFailure(failure.noRoom, head.attempt, fn, withoutPage(error.message)));
    }
  }

  #submit(run: Run, template: number, job: number, args: Arrived, deps: readonly Arrived[]): void {
    const { runtime, values } = this.#ports;
    const { port, refs } = runtime;
    const given = deps.map((dep) => {
      const ref = refs.make();
      values.putInto(ObjectRef.index(ref), dep);
      return ref;
    });
    const results = run.refs.map((ref) => ObjectRef.index(ref));
    try {
      const writer = port.begin(64);
      writer.byte(op.run);
      writeOrigin(writer, run, job);
      writer.byte((given.length > 0 ? submit.deps : 0) | (results.length > 1 ? submit.multi : 0));
      port.word(template);
      port.word(results[0] as number);
      values.put(args);
      if (given.length > 0) port.list(given.map((ref) => ObjectRef.index(ref)));
      if (results.length > 1) port.list(results.slice(1));
    } catch (error) {
      port.abort();
      for (const ref of given) ref[Symbol.dispose]();
      throw error;
    }
    port.commit();
    for (const ref of given) ref[Symbol.dispose]();
    for (let i = 0; i < results.length; i++) runtime.subscriptions.add(run, i);
  }

  cancel(peer: Peer, cancel: CancelEntry): void {
    const run = this.#runs.get(peer)?.get(key(cancel));
    if (run?.attempt === cancel.attempt) run.cancel(cancel.force, cancel.recursive);
  }

  /** A node is dead: nobody waits for what its tasks do. */
  forgetPeer(peer: Peer): void {
    for (const run of this.#of(peer).values()) run.cancel(true, true);
    this.#runs.delete(peer);
  }

  #of(peer: Peer): Map<string, Run> {
    let runs = this.#runs.get(peer);
    if (runs === undefined) {
      runs = new Map();
      this.#runs.set(peer, runs);
    }
    return runs;
  }
}

function key({ index, generation }: Attempted): string {
  return `${index} ${generation}`;
}

/** What a task is at its submitter: `src/core/run/origin.ts` reads it in the worker. */
function writeOrigin(writer: ThreadRuntime['port']['writer'], run: Run, job: number): void {
  const { bytes, view } = writer;
  bytes.set(run.peer.id, writer.pos);
  // As in the text of a TaskId: high digits first.
  view.setUint32(writer.pos + 8, run.generation, false);
  view.setUint32(writer.pos + 12, run.index, false);
  view.setUint32(writer.pos + 16, run.attempt, true);
  view.setUint32(writer.pos + 20, job, true);
  writer.pos += 24;
}

/** One attempt of a task of another node, until it is answered. */
class Run implements Subscriber, Attempted, Follower {
  readonly index: number;
  readonly generation: number;
  readonly attempt: number;
  readonly job: number;
  readonly peer: Peer;
  readonly refs: readonly ObjectRef<unknown>[];
  readonly #ports: RunningPorts;
  readonly #over: () => void;
  /** The values of its results, as they go into the answer; those that came. */
  readonly #parts: Uint8Array[] = [];
  #missing: number;
  #what: number = answer.values;
  /** Templates that its results name. */
  readonly #templates = new Set<number>();

  constructor(ports: RunningPorts, peer: Peer, of: RunHead, over: () => void) {
    this.#ports = ports;
    this.peer = peer;
    this.index = of.index;
    this.generation = of.generation;
    this.attempt = of.attempt;
    this.job = of.job;
    this.#over = over;
    this.#missing = of.results;
    this.refs = Array.from({ length: of.results }, () => ports.runtime.refs.make());
  }

  get wantsValue(): boolean {
    return true;
  }

  get keepsAlive(): boolean {
    return false;
  }

  refAt(position: number): ObjectRef<unknown> {
    return this.refs[position] as ObjectRef<unknown>;
  }

  settled(position: number, outcome: number, pos: number): void {
    const { values, output } = this.#ports;
    this.#missing -= 1;
    if (outcome !== status.value) {
      // All results of a task have the same error.
      if (position === 0) this.#failed(outcome, pos);
    } else if (this.refs.length === 1 && !values.carriesCode(pos) && output.mayAnswer(this)) {
      // The commonest: from the inbox into the answer.
      beginAnswer(this.peer.out, this, answer.values, 1);
      values.write(this.peer.out, pos);
      this.peer.out.end();
      this.#end();
      return;
    } else {
      this.#parts[position] = this.#part(pos);
    }
    if (this.#missing === 0) this.answer();
  }

  #part(pos: number): Uint8Array {
    const { values } = this.#ports;
    const part = new EntryWriter();
    part.begin(0);
    if (values.carriesCode(pos)) {
      const { bytes, templates } = values.rename(pos);
      for (const template of templates) this.#templates.add(template);
      writeRenamed(part, bytes);
    } else {
      values.write(part, pos);
    }
    part.end();
    return part.take();
  }

  #failed(outcome: number, pos: number): void {
    if (outcome !== status.systemError) {
      this.#what = outcome === status.retryAsked ? answer.thrownAgain : answer.thrown;
      this.#parts[0] = this.#part(pos);
      return;
    }
    const part = this.#part(pos);
    const value = part.subarray(VALUE_AT);
    const reason = value[0];
    // Which attempt it is only the submitter knows.
    new DataView(value.buffer, value.byteOffset).setUint32(ATTEMPT_AT, this.attempt, true);
    const isLost = reason === failure.workerDied || reason === failure.broken || reason === failure.closed;
    this.#what = isLost ? answer.lost : answer.failed;
    this.#parts[0] = part;
  }

  /** Sends the answer, once the peer knows what is named in it, and what the task has written is on its way. */
  readonly answer = (): void => {
    const { exported, output } = this.#ports;
    const { out } = this.peer;
    if (!output.mayAnswer(this)) {
      output.answerLater(this);
      return;
    }
    if (!exported.tell(this.peer, [...this.#templates], this.answer)) return;
    const parts = this.#what === answer.values ? this.#parts : this.#parts.slice(0, 1);
    beginAnswer(out, this, this.#what, parts.length);
    for (const part of parts) out.raw(part.subarray(PART_AT));
    out.end();
    this.#end();
  };

  readonly taskId = (): string => taskId(this.peer.node, this.index, this.generation);

  /** It fails before it begins. */
  failNow(error: Uint8Array): void {
    beginAnswer(this.peer.out, this, answer.failed, 1);
    writeBytes(this.peer.out, error);
    this.peer.out.end();
    this.#end();
  }

  #end(): void {
    for (const ref of this.refs) ref[Symbol.dispose]();
    this.#over();
  }

  cancel(force: boolean, recursive: boolean): void {
    this.#ports.runtime.submitter.cancel(this.refs[0] as ObjectRef<unknown>, force, recursive);
  }

  resubscribed(): void {}

  fail(error: unknown): void {
    if (this.#ports.runtime.closed) return;
    throw error;
  }
}

/** Where a value begins in an entry of its own: behind length and kind; and its bytes: behind form and length. */
const PART_AT = 5;
const VALUE_AT = PART_AT + 5;
