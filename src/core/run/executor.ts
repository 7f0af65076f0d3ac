import { MobulaError } from '../../common/errors.ts';
import { printStep, printsSteps } from '../../common/figure7.ts';
import type { NewsHandler } from '../port/inbox.ts';
import { event, taskFlag } from '../port/wire.ts';
import type { ThreadRuntime } from '../runtime.ts';
import { collect, MAX_TRIES } from '../values/collector.ts';
import { Attempt } from './attempt.ts';
import { BEGUN_BYTES, BegunMarks } from './begun.ts';
import { CodeCache, notBegun } from './code.ts';
import { Instances } from './instances.ts';
import type { Load } from './load.ts';
import { ORIGIN_BYTES, Origin, slotOf } from './origin.ts';
import { Preparation } from './preparation.ts';
import { ResultWriter } from './result-writer.ts';
import { Retirement, type RetirementPorts } from './retirement.ts';
import { isThenable, Runner } from './runner.ts';
import type { TaskContext } from './task-context.ts';
import { Unsettled } from './unsettled.ts';

/** Bytes of a task record before its arguments. */
const HEAD = 28;

/** Runs the tasks and actor calls that a thread is handed. */
export class Executor implements NewsHandler {
  readonly #runtime: ThreadRuntime;
  readonly #wake: () => void;
  readonly #results: ResultWriter;
  readonly #actors: Instances;
  readonly #preparation: Preparation;
  readonly #codes: CodeCache;
  readonly #runner: Runner;
  readonly #unsettled: Unsettled;
  readonly #retirement: Retirement;
  /** Where tasks of other nodes are marked as begun. */
  readonly #begun: BegunMarks | undefined;
  /** Whether the thread has been told to end. */
  #ending = false;

  /**
   * `wake`: a task that went on in the background has ended; its result is to be passed on. `disposable`: told how many of the
   * thread's instances have to dispose of themselves.
   */
  constructor(runtime: ThreadRuntime, wake: () => void, disposable: (count: number) => void, end: RetirementPorts) {
    this.#runtime = runtime;
    this.#wake = wake;
    this.#results = new ResultWriter(runtime.port, runtime.values, runtime.facts.nodeId);
    this.#actors = new Instances(disposable);
    this.#retirement = new Retirement(end, wake);
    this.#codes = new CodeCache(runtime, this.#retirement);
    this.#preparation = new Preparation(runtime, this.#codes, wake);
    this.#runner = new Runner(runtime, this.#results, this.#actors);
    this.#unsettled = new Unsettled(runtime, this.#results);
    const { addon, facts } = runtime;
    if (facts.begunFd !== undefined)
      this.#begun = new BegunMarks(new Uint8Array(addon.mapBegun(facts.begunFd, BEGUN_BYTES)));
    runtime.inbox.handleNews(this);
    runtime.inbox.forgetCode = (object, life) => this.#codes.forget(object, life);
  }

  /** Whether no task may begin now. */
  get held(): boolean {
    return this.#preparation.held || this.#leaves;
  }

  /** Whether the thread is to end once it has done what it has begun; one with actors goes on for them. */
  get #leaves(): boolean {
    return this.#retirement.isDue && this.#actors.size === 0;
  }

  /** The thread has nothing to do, and the core has all it has done. */
  rests(): void {
    if (!this.#leaves) return;
    if (this.#unsettled.isEmpty) this.#retirement.exit();
    else this.#retirement.leave();
  }

  /** Whether promises of the batch are to be given a turn of microtasks. */
  get settling(): boolean {
    return this.#unsettled.settling;
  }

  /** After a turn of microtasks: true if the batch's promises need more of them. */
  settle(): boolean {
    return this.#unsettled.settle();
  }

  handle(kind: number, pos: number): number {
    const view = this.#runtime.port.inboxView;
    switch (kind) {
      case event.task:
        return this.#task(pos);
      case event.stopTask:
        this.#stop(this.#named(pos));
        return pos + 12;
      case event.credit:
        this.#named(pos)?.generator?.credit(view.getUint32(pos + 12, true));
        return pos + 16;
      case event.collect:
        collect();
        return pos + 4;
      case event.stopActor:
        this.#actors.drop(view.getUint32(pos + 4, true));
        return pos + 8;
      case event.stopActors:
        this.#actors.dropAll();
        return pos + 4;
      default:
        throw new MobulaError('ERR_MOBULA_INTERNAL', `unknown news of kind ${kind}`);
    }
  }

  /** The task that news are for, if it still runs in the background. */
  #named(pos: number): Attempt | undefined {
    const view = this.#runtime.port.inboxView;
    return this.#unsettled.find(view.getUint32(pos + 4, true), view.getUint32(pos + 8, true));
  }

  #stop(task: Attempt | undefined): void {
    if (task === undefined) return;
    task.stopped = true;
    task.stop?.abort();
    task.generator?.wake();
  }

  /** Runs one task record; gives where the next begins. */
  #task(pos: number): number {
    const { port, registry, inbox } = this.#runtime;
    const view = port.inboxView;
    const count = view.getUint32(pos + 24, true);
    const flags = port.inbox[pos + 1] as number;
    const isForeign = (flags & taskFlag.origin) !== 0;
    const argsAt = pos + HEAD + (isForeign ? ORIGIN_BYTES : 0);
    const slot = view.getUint16(pos + 2, true);
    if (this.#ending || this.#leaves) {
      inbox.cutOff();
      return pos;
    }
    if (!port.claim(slot)) return this.#preparation.skip(argsAt, count);
    if (isForeign) this.#begun?.mark(slotOf(view, pos + HEAD));
    // A task that was taken back may be over by now, and its template with it.
    const template = registry.get(view.getUint32(pos + 12, true));
    const prepared = this.#preparation.prepare(template, argsAt, count);
    if (prepared === undefined) {
      port.unclaim(slot);
      if (isForeign) this.#begun?.unmark(new Origin(view, pos + HEAD));
      inbox.cutOff();
      return pos;
    }
    const task = new Attempt(
      template,
      view.getUint32(pos + 4, true),
      view.getUint32(pos + 8, true),
      view.getUint32(pos + 16, true),
      (flags & taskFlag.creates) !== 0,
      view.getUint32(pos + 20, true),
      isForeign ? new Origin(view, pos + HEAD) : undefined,
    );
    task.carrier = inbox.carrier;
    if ('error' in prepared) this.#fail(task, prepared.error);
    else if (typeof prepared.code === 'object') this.#beginLater(task, prepared.code, prepared.args);
    else this.#begin(task, prepared.code, prepared.args);
    if (!(task.ended || this.#unsettled.mayGoOn(task))) inbox.pause();
    return prepared.end;
  }

  #begin(task: Attempt, code: Function | undefined, args: readonly unknown[]): void {
    if (printsSteps)
      printStep('run', this.#runtime.facts.nodeId, `a worker runs ${task.name}; it reads the arguments in the store`);
    try {
      const result = this.#runner.run(task, code, args);
      if (isThenable(result)) {
        this.#runner.promised(task);
        this.#await(task, result);
      } else if (this.#end(task)) {
        this.#pass(task, result);
      }
    } catch (error) {
      this.#fail(task, error);
    }
  }

  /** A module takes its time: the task waits without a CPU, and others go on. */
  #beginLater(task: Attempt, load: Load, args: readonly unknown[]): void {
    const code = this.#codes.awaited(task.template, load, task.creates);
    const run = (fn: Function): unknown => {
      // Cancelled, or out of time: nobody waits for what it would do.
      if (task.stopped) throw notBegun;
      return this.#runner.run(task, fn, args);
    };
    this.#await(task, this.#runtime.lender.lending(task, code).then(run));
  }

  #await(task: Attempt, result: PromiseLike<unknown>): void {
    this.#unsettled.add(task);
    result.then(
      (value) => {
        if (this.#end(task)) this.#pass(task, value);
      },
      (error: unknown) => {
        if (error !== notBegun) this.#fail(task, error);
        else if (this.#end(task)) this.#handBack(task);
      },
    );
  }

  #handBack(task: Attempt): void {
    if (task.origin !== undefined) this.#begun?.unmark(task.origin);
    this.#results.handBack(task);
  }

  /** Writes a result, later if the object store has no room for it yet. */
  #pass(task: Attempt, value: unknown): void {
    if (this.#results.succeed(task, value, task.tries < MAX_TRIES)) return;
    task.ended = false;
    const room = this.#preparation.makeRoom(task.tries++);
    this.#await(
      task,
      room.then(() => value),
    );
  }

  /**
   * A thread that is being ended may see errors that are not its task's: a script that gave nothing, say (seen once in 100 000
   * tasks under `npm run chaos`). It begins nothing more, and its tasks run again elsewhere.
   */
  #fail(task: Attempt, error: unknown): void {
    this.#ending ||= this.#runtime.addon.isEnding();
    if (this.#ending) this.#preparation.stop();
    else if (this.#end(task)) this.#results.fail(task, error);
  }

  /** True once per task: its outcome is to be written now. */
  #end(task: Attempt): boolean {
    if (task.ended) return false;
    task.ended = true;
    // A generator that an error nobody caught has failed may be waiting for its consumer.
    task.generator?.wake();
    if (task.pending) {
      this.#unsettled.remove(task);
      this.#wake();
    }
    return true;
  }

  /** An error that nobody caught: it belongs to `context`, if that still runs. False: it belongs to nobody. */
  failBackground(context: TaskContext | undefined, error: unknown): boolean {
    if (!(context instanceof Attempt) || context.ended) return false;
    this.#fail(context, error);
    return true;
  }
}
