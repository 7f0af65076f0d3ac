import { printStep, printsSteps } from '../common/figure7.ts';
import { shortNode } from '../common/ids.ts';
import { status } from '../core/port/wire.ts';
import { encodeFailure, failure, NODE_AT } from '../core/values/failures.ts';
import { type Named, writeNamed, writeNode } from './data/named.ts';
import type { Serving } from './data/serving.ts';
import type { ExportedTemplates } from './exported.ts';
import type { Outbox } from './output/outbox.ts';
import type { Peer } from './peer.ts';
import type { NodeId } from './ports.ts';
import type { Run } from './run.ts';
import { type Serve, type WireValues, writeBytes, writeRenamed } from './values.ts';
import { type Attempted, answer, beginAnswer, entry } from './wire/entries.ts';
import { EntryWriter, VALUES_BYTES } from './wire/entry.ts';

/** Where the attempt stands in an error of the core's: behind the reason. */
const ATTEMPT_AT = 1;
/** Where a value begins in an entry of its own: behind length and kind; and its bytes: behind form and length. */
const PART_AT = 5;
const VALUE_AT = PART_AT + 5;

const none: readonly never[] = [];

/** What answers need of the agent. */
export interface OutcomesPorts {
  readonly values: WireValues;
  readonly exported: ExportedTemplates;
  readonly serving: Serving;
  /** What the tasks have written goes before their answers. */
  readonly output: Outbox;
  /** The bytes of this node's id. */
  readonly nodeId: Uint8Array;
  /** What errors call a template of this node. */
  nameOf(template: number): string;
}

/** How tasks of other nodes have turned out, and their answers. An answer goes behind those of the tasks that made its arguments. */
export class Outcomes {
  readonly #ports: OutcomesPorts;
  readonly #ended: (run: Run) => void;
  /** Runs that are being answered, one after another: each may let others go. */
  readonly #due: Run[] = [];
  /** The run whose value is being written, and the object of that. */
  #maker: Run | undefined;
  #object = 0;

  /** `ended`: a run was answered. */
  constructor(ports: OutcomesPorts, ended: (run: Run) => void) {
    this.#ports = ports;
    this.#ended = ended;
  }

  /** A task fails before it begins. */
  failed(run: Run, error: Uint8Array): void {
    run.failed = true;
    error.set(this.#ports.nodeId, NODE_AT);
    writeFailure(run.peer, run, error);
    this.#end(run);
  }

  /** A task has not begun, as an argument of it is lost at the node where it stays. */
  argumentLost(run: Run, node: NodeId, named: Named): void {
    run.failed = true;
    const { out } = run.peer;
    beginAnswer(out, run, answer.argumentsLost, 1);
    writeNode(out, node);
    writeNamed(out, named);
    out.end();
    this.#end(run);
  }

  /** A task has not begun: what makes an argument of it has failed, or it goes back. */
  unbegun(run: Run): void {
    run.failed = true;
    run.what = answer.unbegun;
    this.#answer(run);
  }

  /** A task's result of this number is there; its value stands at `pos` of the inbox. */
  settled(run: Run, result: number, outcome: number, pos: number): void {
    const { values, output } = this.#ports;
    run.missing -= 1;
    run.bytes += values.size(pos);
    if (run.bytes > VALUES_BYTES) {
      this.#tooFar(run);
    } else if (outcome !== status.value) {
      run.failed = true;
      // All results of a task have the same error.
      if (result === 0) this.#thrown(run, outcome, pos);
    } else if (run.objects.length === 1 && !run.waits && !values.carriesCode(pos) && output.mayAnswer(run)) {
      // The commonest: from the inbox into the answer.
      const { out } = run.peer;
      beginAnswer(out, run, answer.values, 1);
      values.write(out, pos, this.#serveFor(run, result));
      this.#endEntry(run);
      return;
    } else {
      const parts = run.parts.length > 0 ? run.parts.slice() : new Array<Uint8Array>(run.objects.length);
      parts[result] = this.#part(run, result, pos);
      run.parts = parts;
    }
    if (run.missing === 0) this.#answer(run);
  }

  /** A value as an entry of its own. */
  #part(run: Run, result: number, pos: number): Uint8Array {
    const { values } = this.#ports;
    const part = new EntryWriter();
    part.begin(0);
    if (values.carriesCode(pos)) {
      const { bytes, templates } = values.rename(pos);
      run.templates = [...run.templates, ...templates];
      writeRenamed(part, bytes);
    } else {
      values.write(part, pos, this.#serveFor(run, result));
    }
    part.end();
    return part.take();
  }

  /** So much goes to no other node. */
  #tooFar(run: Run): void {
    run.failed = true;
    run.what = answer.failed;
    const part = new EntryWriter();
    part.begin(0);
    writeBytes(part, encodeFailure(failure.tooFar, run.attempt, this.#ports.nameOf(run.template), ''));
    part.end();
    run.parts = [part.take()];
  }

  #thrown(run: Run, outcome: number, pos: number): void {
    const part = this.#part(run, 0, pos);
    run.parts = [part];
    if (outcome !== status.systemError) {
      run.what = outcome === status.retryAsked ? answer.thrownAgain : answer.thrown;
      return;
    }
    const value = part.subarray(VALUE_AT);
    const reason = value[0];
    if (run.isRecalled && reason === failure.cancelled) {
      run.what = answer.unbegun;
      return;
    }
    // Which attempt it is only the submitter knows, and where it was only this node.
    new DataView(value.buffer, value.byteOffset).setUint32(ATTEMPT_AT, run.attempt, true);
    value.set(this.#ports.nodeId, NODE_AT);
    const isLost = reason === failure.workerDied || reason === failure.broken || reason === failure.closed;
    run.what = isLost ? answer.lost : answer.failed;
  }

  /** Answers, and what has waited for that. */
  #answer(run: Run): void {
    this.#due.push(run);
    if (this.#due.length > 1) return;
    for (const each of this.#due) this.#answerNext(each);
    this.#due.length = 0;
  }

  /**
   * Sends the answer, once those of its makers have gone, the peer knows what is named in it, and what the task has written is on its
   * way.
   */
  #answerNext(run: Run): void {
    // Its submitter is dead.
    if (run.answered) return;
    const late = run.makers.find(({ answered }) => !answered);
    if (late !== undefined) {
      late.followers = [...late.followers, run];
      return;
    }
    // It has not begun. Its submitter decides what becomes of that which it needs, and so of this.
    if (run.makers.some(({ failed }) => failed)) run.what = answer.unbegun;
    const { peer, templates, what } = run;
    const { exported, output } = this.#ports;
    if (!output.mayAnswer(run)) {
      run.answer = () => this.#answer(run);
      output.answerLater(run);
      return;
    }
    if (!exported.tell(peer, templates, () => this.#answer(run))) return;
    // An error stands once, for all results.
    const parts = what === answer.values ? run.parts : run.parts.slice(0, what === answer.unbegun ? 0 : 1);
    beginAnswer(peer.out, run, what, parts.length);
    for (const part of parts) peer.out.raw(part.subarray(PART_AT));
    this.#endEntry(run);
  }

  /** Serves what a run has made, until this is called for another one: no function is made for each answer. */
  #serveFor(run: Run, result: number): Serve {
    this.#maker = run;
    this.#object = run.objects[result] as number;
    return this.#serve;
  }

  readonly #serve: Serve = (buffers) => {
    const number = this.#ports.serving.result(buffers);
    const maker = this.#maker as Run;
    maker.served = [...maker.served, { number, object: this.#object }];
    return number;
  };

  #endEntry(run: Run): void {
    const { out } = run.peer;
    if (run.served.length > 0) out.become(entry.answerNamed);
    if (printsSteps && run.what === answer.values) this.#printStep(run);
    out.end();
    this.#end(run);
  }

  #printStep(run: Run): void {
    const { nodeId } = this.#ports;
    const result = run.served.length > 0 ? 'its result stays here' : 'its result goes along';
    const what = `node ${shortNode(run.peer.node)} is told how task ${run.taskId()} has ended; ${result}`;
    printStep('told', Buffer.from(nodeId).toString('hex'), what);
  }

  #end(run: Run): void {
    run.answered = true;
    // It keeps its makers no longer, which keep theirs.
    run.makers = none;
    const { followers } = run;
    run.followers = none;
    for (const follower of followers) this.#answer(follower);
    this.#ended(run);
  }
}

/** A task fails before it begins. */
export function writeFailure({ out }: Peer, of: Attempted, error: Uint8Array): void {
  beginAnswer(out, of, answer.failed, 1);
  writeBytes(out, error);
  out.end();
}

/** An argument of a task is not here, which was to be. */
export function writeUnbegun({ out }: Peer, of: Attempted): void {
  beginAnswer(out, of, answer.unbegun, 0);
  out.end();
}
