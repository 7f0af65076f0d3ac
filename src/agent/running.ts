import { withoutPage } from '../common/error-page.ts';
import { ObjectStoreFullError } from '../common/errors.ts';
import { printStep, printsSteps } from '../common/figure7.ts';
import { shortNode } from '../common/ids.ts';
import { encodeFailure, failure } from '../core/values/failures.ts';
import type { BegunSlots } from './begun.ts';
import type { Commands } from './commands.ts';
import type { Copies, CopyUser } from './data/copies.ts';
import type { Named, Placed } from './data/named.ts';
import type { Failed } from './data/ports.ts';
import { TaskCopies } from './data/task-copies.ts';
import type { ImportedTemplates } from './imported.ts';
import type { Jobs } from './jobs.ts';
import { PeerRuns } from './kept.ts';
import type { Objects } from './objects.ts';
import { Outcomes, type OutcomesPorts, writeFailure, writeUnbegun } from './outcomes.ts';
import type { Peer } from './peer.ts';
import type { NodeId } from './ports.ts';
import { Returns, type ReturnsPorts } from './returns.ts';
import { Run } from './run.ts';
import { UnbegunRuns } from './unbegun.ts';
import { type BuffersOf, type Inward, namedIn } from './values.ts';
import {
  type Attempted,
  type CancelEntry,
  type Made,
  type RunHead,
  readRunHead,
  valuesOf,
  writeLeaving,
} from './wire/entries.ts';
import { type EntryReader, malformed } from './wire/entry.ts';

/** What tasks of other nodes need of the agent. */
export interface RunningPorts extends OutcomesPorts, ReturnsPorts {
  /** Whether tasks of a template may run on other nodes. */
  mayMove(template: number): boolean;
  readonly slots: BegunSlots;
  readonly objects: Objects;
  readonly commands: Commands;
  readonly imported: ImportedTemplates;
  readonly jobs: Jobs;
  readonly copies: Copies;
  /** A node that may serve values; nothing if it is dead. */
  peer(node: NodeId): Peer | undefined;
  /** A peer broke the protocol. */
  misbehaved(node: NodeId, error: unknown): void;
  /** The mean time of a template's attempts in nanoseconds; 0 if that is not known. */
  meanOf(template: number): number;
}

/** The executing half of an agent: tasks of other nodes, which the core of this node runs, once each. */
export class RunningTasks {
  readonly #ports: RunningPorts;
  /** This node. */
  readonly #node: NodeId;
  readonly #outcomes: Outcomes;
  readonly #unbegun: UnbegunRuns;
  readonly #returns: Returns;
  readonly #runs = new Map<Peer, PeerRuns>();
  /** The peer asked for last, and its tasks. */
  #last: Peer | undefined;
  #ofLast: PeerRuns | undefined;
  /** Whose result an object is that the core is asked for, by token. */
  readonly #waiting: (Run | undefined)[] = [];
  /** Which of its results that object is. */
  readonly #results: number[] = [];
  readonly #free: number[] = [];
  /** Templates of tasks that came since their means were asked for. */
  readonly #used = new Set<number>();
  #size = 0;
  #leaves = false;

  constructor(ports: RunningPorts) {
    this.#ports = ports;
    this.#node = Buffer.from(ports.nodeId).toString('hex');
    this.#outcomes = new Outcomes(ports, (run) => this.#ended(run));
    this.#unbegun = new UnbegunRuns(this.#outcomes, ports.objects, (run, failed) => this.#failure(run, failed));
    this.#returns = new Returns(ports, this.#unbegun);
  }

  /** How many tasks of other nodes are here. */
  get size(): number {
    return this.#size;
  }

  /** How many have ended, and have results that were not fetched yet. */
  get unfetched(): number {
    let count = 0;
    for (const { unfetched } of this.#runs.values()) count += unfetched;
    return count;
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

  /** A task to run. `named`: with values that are to be fetched. */
  run(peer: Peer, entry: EntryReader, named: boolean): void {
    const { slots, imported, jobs, objects } = this.#ports;
    const head = readRunHead(entry);
    if (jobs.isOver(head.job)) {
      // It names what is gone with the job.
      this.#refuse(peer, head, encodeFailure(failure.cancelled, head.attempt, '', ''));
      return;
    }
    const makers = this.#makers(peer, head);
    if (makers === undefined) {
      this.#refuse(peer, head, undefined);
      return;
    }
    const inward = imported.inward(peer);
    const { number: template, job } = imported.find(peer, head.template);
    if (job !== head.job) throw malformed(`a task of job ${head.job}, whose template is of job ${job}`);
    const mayMove = this.#ports.mayMove(template);
    if (this.#leaves && mayMove) {
      // It was sent before its submitter heard that this node leaves.
      this.#refuse(peer, head, undefined);
      return;
    }
    this.#used.add(template);
    const run = new Run(peer, head, template, makers, objects.take(head.results), slots.take(peer.id, head), mayMove);
    this.#of(peer).byIndex.set(run.index, run);
    this.#size += 1;
    if (printsSteps) this.#printStep('checked', run, 'looks for its arguments in the store');
    if (named || makers.some((maker) => this.#unbegun.has(maker))) this.#hold(run, head, entry, inward);
    else this.#begin(run, head, entry, inward, undefined);
  }

  /** Gives a task to the core, once there are copies of what it names. */
  #hold(run: Run, head: RunHead, entry: EntryReader, inward: Inward): void {
    const { copies, misbehaved } = this.#ports;
    const kept = entry.keep();
    const values = namedIn(kept, valuesOf(head));
    const from = kept.fork(0);
    const own = this.#own(run.peer, values);
    const away = values.filter((each, i) => each !== undefined && !own.has(i)) as (Named | Placed)[];
    const gone = away.find((each): each is Placed => 'node' in each && this.#isGone(each));
    if (gone !== undefined) {
      this.#outcomes.argumentLost(run, gone.node, gone);
      return;
    }
    const peerOf = (each: Named | Placed): Peer => ('node' in each ? this.#ports.peer(each.node) : run.peer) as Peer;
    if (printsSteps)
      this.#printMissing(
        run,
        away.map(peerOf).filter((peer, i) => !copies.isHere(peer, away[i] as Named)),
      );
    const copiesOf = (ready: CopyUser): TaskCopies => new TaskCopies(copies, run.peer, peerOf, away, ready);
    const made = head.made.map(({ result }, i) => run.makers[i]?.objects[result] as number);
    this.#unbegun.add(run, [...made, ...own.values()], away.length > 0 ? copiesOf : undefined, (all) => {
      try {
        this.#begin(run, head, from, inward, all?.buffersOf, own);
      } catch (error) {
        misbehaved(run.peer.node, error);
      }
    });
  }

  /** The objects that stay here of the values that a task names, by the place of these. */
  #own(peer: Peer, values: readonly (Named | Placed | undefined)[]): ReadonlyMap<number, number> {
    const own = new Map<number, number>();
    for (const [i, each] of values.entries()) {
      if (each === undefined || !('node' in each) || each.node !== this.#node) continue;
      if (i === 0) throw malformed(`a value ${each.number} that no ref stands for`);
      const object = this.#of(peer).staying(each.number);
      if (object !== undefined) own.set(i, object);
    }
    return own;
  }

  /** Whether a value cannot be had: it stayed here, and was let go, or its node is dead. The task may have been held up since it was named. */
  #isGone({ node }: Placed): boolean {
    return node === this.#node || this.#ports.peer(node) === undefined;
  }

  #begin(
    run: Run,
    head: RunHead,
    from: EntryReader,
    inward: Inward,
    buffersOf: BuffersOf | undefined,
    own?: ReadonlyMap<number, number>,
  ): void {
    const { commands } = this.#ports;
    if (printsSteps) this.#printStep('given', run, "has its arguments, and goes to the node's own scheduler");
    try {
      commands.run(run, head, from, inward, buffersOf, own);
      run.isGiven = true;
    } catch (error) {
      if (!(error instanceof ObjectStoreFullError)) throw error;
      this.#outcomes.failed(run, this.#failure(run, { kind: 'no-room', text: withoutPage(error.message) }));
      return;
    }
    for (let result = 0; result < run.objects.length; result++) {
      commands.subscribe(run.objects[result] as number, this.#token(run, result));
    }
  }

  #printStep(step: 'checked' | 'located' | 'given', run: Run, what: string): void {
    printStep(step, this.#node, `${this.#ports.nameOf(run.template)}, task ${run.taskId()}, ${what}`);
  }

  /** `at`: the nodes where large arguments are that are not here. */
  #printMissing(run: Run, at: readonly Peer[]): void {
    for (const { node } of at)
      this.#printStep('located', run, `lacks a large argument, which is at node ${shortNode(node)}`);
  }

  /** The error of a task whose arguments cannot come here. */
  #failure({ attempt, template }: Run, { kind, text }: Failed): Uint8Array {
    return encodeFailure(failureOfFetch[kind], attempt, this.#ports.nameOf(template), text);
  }

  /** What makes arguments of a task here; nothing if one of them does not, or has failed. */
  #makers(peer: Peer, { made, job }: RunHead): readonly Run[] | undefined {
    if (made.length === 0) return none;
    const { byIndex } = this.#of(peer);
    const find = ({ index, generation, attempt, result }: Made): Run | undefined => {
      const run = byIndex.get(index);
      if (run?.generation !== generation || run.attempt !== attempt || run.failed) return undefined;
      if (run.job !== job || result >= run.objects.length) throw malformed(`result ${result} of task ${index}`);
      return run;
    };
    const makers = made.map(find);
    return makers.every((run) => run !== undefined) ? makers : undefined;
  }

  #token(run: Run, result: number): number {
    const token = this.#free.pop() ?? this.#waiting.length;
    this.#waiting[token] = run;
    this.#results[token] = result;
    return token;
  }

  /** An object that the core was asked for is there; its value stands at `pos` of the inbox. */
  settled(token: number, outcome: number, pos: number): void {
    const run = this.#waiting[token] as Run;
    this.#waiting[token] = undefined;
    this.#free.push(token);
    this.#outcomes.settled(run, this.#results[token] as number, outcome, pos);
  }

  /** A task ends that was not given to the core. */
  #refuse(peer: Peer, of: Attempted, error: Uint8Array | undefined): void {
    // What ran there before is not what its followers mean.
    this.#of(peer).byIndex.delete(of.index);
    if (error === undefined) writeUnbegun(peer, of);
    else writeFailure(peer, of, error);
    this.#of(peer).answered(undefined);
  }

  #ended(run: Run): void {
    const runs = run.peer === this.#last ? this.#ofLast : this.#runs.get(run.peer);
    if (runs === undefined) {
      // The peer is dead.
      forget(run, this.#ports);
      return;
    }
    this.#size -= 1;
    runs.answered(run);
  }

  /** A peer has settled so many more answers. */
  answersSettled(peer: Peer, count: number): void {
    this.#of(peer).settled(count);
  }

  /** A peer has fetched the results of an attempt. */
  fetched(peer: Peer, of: Attempted): void {
    this.#of(peer).fetched(of);
  }

  /** The answer of an attempt has counted, and its results stay. */
  stays(peer: Peer, of: Attempted): void {
    this.#of(peer).stays(of);
  }

  /** A peer needs a result no more that stays. */
  dropped(peer: Peer, number: number): void {
    this.#of(peer).dropped(number);
  }

  /**
   * This node leaves: its peers fetch what stays here, and what comes of tasks that run. What has not begun goes back, if it may run
   * elsewhere.
   */
  leave(): void {
    this.#leaves = true;
    for (const [{ out }, { byIndex }] of this.#runs) {
      writeLeaving(out);
      this.#returns.takeBackAll(byIndex.values());
    }
  }

  /** A peer would have a task back that has not begun. */
  recall(peer: Peer, of: Attempted): void {
    const run = this.#find(peer, of);
    if (run !== undefined) this.#returns.takeBack(run);
  }

  /** Called now and then. Submitters hear of tasks that wait here; of a node that leaves, these go back. */
  lookAtWaiting(): void {
    for (const { byIndex } of this.#runs.values()) {
      if (this.#leaves) this.#returns.takeBackAll(byIndex.values());
      else this.#returns.tellWaits(byIndex.values());
    }
  }

  #find(peer: Peer, { index, generation, attempt }: Attempted): Run | undefined {
    const run = this.#of(peer).byIndex.get(index);
    return run?.generation === generation && run.attempt === attempt ? run : undefined;
  }

  cancel(peer: Peer, cancel: CancelEntry): void {
    const run = this.#find(peer, cancel);
    if (run?.answered === false) this.#cancel(run, cancel.force, cancel.recursive);
  }

  #cancel(run: Run, force: boolean, recursive: boolean): void {
    if (run.isGiven) this.#ports.commands.cancel(run.objects[0] as number, force, recursive);
    if (!this.#unbegun.has(run)) return;
    const name = this.#ports.nameOf(run.template);
    this.#unbegun.fail(run, encodeFailure(failure.cancelled, run.attempt, name, ''));
  }

  /** A job is over: nobody waits for what its tasks do. */
  endJob(job: number): void {
    for (const runs of this.#runs.values()) {
      for (const run of runs.byIndex.values()) {
        if (run.job === job && !run.answered) this.#cancel(run, true, true);
      }
      runs.endJob(job);
    }
  }

  /** A node is dead: nobody waits for what its tasks do. */
  forgetPeer(peer: Peer): void {
    const runs = this.#of(peer);
    for (const run of runs.byIndex.values()) {
      if (run.answered) continue;
      this.#size -= 1;
      this.#unbegun.drop(run);
      if (run.isGiven && run.missing > 0) {
        this.#ports.commands.cancel(run.objects[0] as number, true, true);
        continue;
      }
      // The core says nothing more of it.
      run.answered = true;
      forget(run, this.#ports);
    }
    runs.clear();
    this.#ports.copies.forgetPeer(peer);
    this.#runs.delete(peer);
    this.#last = undefined;
    this.#ofLast = undefined;
  }

  /** A peer's tasks that are here, by their place there. */
  #of(peer: Peer): PeerRuns {
    if (peer === this.#last && this.#ofLast !== undefined) return this.#ofLast;
    let runs = this.#runs.get(peer);
    if (runs === undefined) {
      const { objects, slots, serving } = this.#ports;
      runs = new PeerRuns({
        forget: (run) => forget(run, this.#ports),
        forgetBegun: ({ slot }) => slots.release(slot),
        release: (object) => objects.release(object),
        dropStaying: (number, object) => {
          serving.resultOver(number);
          objects.release(object);
        },
      });
      this.#runs.set(peer, runs);
      if (this.#leaves) writeLeaving(peer.out);
    }
    this.#last = peer;
    this.#ofLast = runs;
    return runs;
  }
}

const none: readonly never[] = [];

const failureOfFetch: Readonly<Record<Failed['kind'], number>> = { 'no-room': failure.noRoom, lost: failure.lost };

/** Nobody needs anything of a task any more. */
function forget({ objects, slot, served }: Run, ports: Pick<RunningPorts, 'objects' | 'slots' | 'serving'>): void {
  for (const object of objects) ports.objects.release(object);
  for (const { number } of served) ports.serving.resultOver(number);
  ports.slots.release(slot);
}
