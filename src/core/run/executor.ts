import { MobulaError, ObjectStoreFullError } from '../../common/errors.ts';
import { sleep } from '../../common/timers.ts';
import type { NewsHandler } from '../port/inbox.ts';
import { event } from '../port/wire.ts';
import type { ThreadRuntime } from '../runtime.ts';
import type { Template } from '../submit/template.ts';
import { inTrace } from '../telemetry/trace.ts';
import { collect, MAX_TRIES, makeRoom } from '../values/collector.ts';
import { NotHereYet } from '../values/not-here-yet.ts';
import { Attempt } from './attempt.ts';
import { CodeCache } from './code.ts';
import { GeneratorRun } from './generator-run.ts';
import { Instances } from './instances.ts';
import { ResultWriter } from './result-writer.ts';
import { Retirement, type RetirementPorts } from './retirement.ts';
import { runAsync, runSync, type TaskContext } from './task-context.ts';

/** Turns of microtasks that promises get before their tasks count as going on in the background. */
const PATIENCE = 4;
/** The batch is cut off: nothing of the inbox after this is read. */
const CUT = Number.MAX_SAFE_INTEGER;
/** Milliseconds for which a thread waits for code that is loading before it goes on with other tasks. */
const PATIENT_LOAD_MS = 50;
/** Bytes of a task record before its arguments. */
const HEAD = 28;

/** What a task needs to begin, or why it cannot; `end` is where the next record begins. */
type Prepared = { readonly end: number } & (
  | { readonly code: Function | Promise<Function> | undefined; readonly args: readonly unknown[] }
  | { readonly error: unknown }
);

/** Runs the tasks and actor calls that a thread is handed. */
export class Executor implements NewsHandler {
  readonly #runtime: ThreadRuntime;
  readonly #results: ResultWriter;
  readonly #codes: CodeCache;
  readonly #wake: () => void;
  readonly #actors: Instances;
  /** Tasks that went on in the background. */
  readonly #background = new Map<number, Attempt>();
  /** Tasks of the batch that have returned promises. */
  #settling: Attempt[] = [];
  #patience = 0;
  /** Whether tasks have to wait: for code that is loading, or for room in the object store. */
  #held = false;
  readonly #retirement: Retirement;
  #refusals = 0;
  /** Whether the thread has been told to end. */
  #ending = false;
  /**
   * Whether tasks that returned promises were done after a few turns of microtasks. Those that wait for timers or sockets
   * (false), or may (not there), are begun one at a time: the next in the batch might never give the thread back to them.
   */
  readonly #quick = new WeakMap<Template, boolean>();
  /**
   * What the function of a template has returned: a promise (true) once, or never. Those that never did run without async
   * context, which costs.
   */
  readonly #promises = new WeakMap<Template, boolean>();

  /**
   * `wake`: a task that went on in the background has ended; its result is to be passed on. `disposable`: told how many of the
   * thread's instances have to dispose of themselves.
   */
  constructor(runtime: ThreadRuntime, wake: () => void, disposable: (count: number) => void, end: RetirementPorts) {
    this.#actors = new Instances(disposable);
    this.#retirement = new Retirement(end, wake);
    this.#runtime = runtime;
    this.#results = new ResultWriter(runtime.port, runtime.values);
    this.#codes = new CodeCache(runtime, () => this.#retirement.broken());
    this.#wake = wake;
    runtime.inbox.handleNews(this);
    runtime.inbox.forgetCode = (object, life) => this.#codes.forget(object, life);
  }

  /** Whether no task may begin now. */
  get held(): boolean {
    return this.#held || this.#leaves;
  }

  /** Whether the thread is to end once it has done what it has begun; one with actors goes on for them. */
  get #leaves(): boolean {
    return this.#retirement.isDue && this.#actors.size === 0;
  }

  /** The thread has nothing to do, and the core has all it has done. */
  rests(): void {
    if (this.#leaves && this.#background.size === 0 && !this.settling) this.#retirement.exit();
  }

  /** Whether promises of the batch are to be given a turn of microtasks. */
  get settling(): boolean {
    return this.#settling.length > 0;
  }

  /**
   * After a turn of microtasks: true if the batch's promises need more of them. In the end those that are not settled
   * count as going on in the background, and what waited for them is left to the core.
   */
  settle(): boolean {
    if (--this.#patience > 0 && this.#settling.some((task) => !task.ended && task.blocked === 0)) return true;
    for (const task of this.#settling) {
      if (!task.ended) {
        this.#goOnInBackground(task);
        this.#runtime.inbox.dropRest();
      } else if (!this.#quick.has(task.template)) {
        this.#quick.set(task.template, true);
      }
    }
    this.#settling = [];
    return false;
  }

  #goOnInBackground(task: Attempt): void {
    this.#background.set(task.index, task);
    if (task.pending) return;
    task.pending = true;
    if (task.blocked === 0) this.#quick.set(task.template, false);
    this.#results.pending(task);
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

  /** The task that news are for, if it still runs in the background. Another may have its cell by now. */
  #named(pos: number): Attempt | undefined {
    const view = this.#runtime.port.inboxView;
    const task = this.#background.get(view.getUint32(pos + 4, true));
    return task?.generation === view.getUint32(pos + 8, true) ? task : undefined;
  }

  #stop(task: Attempt | undefined): void {
    if (task === undefined) return;
    task.stopped = true;
    task.stop?.abort();
    task.generator?.wake();
  }

  /** Runs one task record; gives where the next begins, or its complement if that has to wait for promises. */
  #task(pos: number): number {
    const { port, registry } = this.#runtime;
    const view = port.inboxView;
    const count = view.getUint32(pos + 24, true);
    const argsAt = pos + HEAD;
    const slot = view.getUint16(pos + 2, true);
    if (this.#ending || this.#leaves) return CUT;
    if (!port.claim(slot)) return this.#skip(argsAt, count);
    // A task that was taken back may be over by now, and its template with it.
    const template = registry.get(view.getUint32(pos + 12, true));
    const prepared = this.#prepare(template, argsAt, count);
    if (prepared === undefined) {
      port.unclaim(slot);
      return CUT;
    }
    const { end } = prepared;
    const task = new Attempt(
      template,
      view.getUint32(pos + 4, true),
      view.getUint32(pos + 8, true),
      view.getUint32(pos + 16, true),
      port.inbox[pos + 1] !== 0,
      view.getUint32(pos + 20, true),
    );
    task.carrier = this.#runtime.inbox.carrier;
    if ('error' in prepared) this.#fail(task, prepared.error);
    else this.#begin(task, prepared.code, prepared.args);
    return task.ended || this.#mayGoOn(task) ? end : ~end;
  }

  /**
   * Code and arguments of a task. Undefined when it has to wait for its code, or for room for its arguments: then it is
   * given back, so that another thread may take it, and the batch ends here.
   */
  #prepare(template: Template, argsAt: number, count: number): Prepared | undefined {
    const { inbox, values } = this.#runtime;
    try {
      const code = template.info.kind === 'method' ? undefined : this.#codes.of(template);
      if (code instanceof Promise && this.#codes.isNew(template)) {
        this.#hold(Promise.race([code, sleep(PATIENT_LOAD_MS)]));
        return undefined;
      }
      const args = inbox.readArguments(argsAt, count);
      this.#refusals = 0;
      return { code, args, end: values.end };
    } catch (error) {
      if (error instanceof NotHereYet) {
        inbox.forgetArguments();
        this.#hold(error.arrival);
        return undefined;
      }
      if (error instanceof ObjectStoreFullError && this.#refusals < MAX_TRIES) {
        inbox.forgetArguments();
        this.#hold(this.#makeRoom(this.#refusals++));
        return undefined;
      }
      this.#refusals = 0;
      return { error, end: this.#skip(argsAt, count) };
    }
  }

  #makeRoom(tries: number): Promise<void> {
    const { addon, port } = this.#runtime;
    return makeRoom(tries, () => addon.askToCollect(port.id));
  }

  /** Takes no tasks until `condition` is settled. */
  #hold(condition: Promise<unknown>): void {
    this.#held = true;
    const go = (): void => {
      this.#held = this.#ending;
      this.#wake();
    };
    condition.then(go, go);
  }

  /** Whether the next task may begin while the promise of this one is not settled. */
  #mayGoOn({ template, blocked }: Attempt): boolean {
    return template.info.kind === 'task' && (this.#quick.get(template) ?? blocked > 0);
  }

  #skip(argsAt: number, count: number): number {
    const { values } = this.#runtime;
    let end = values.skip(argsAt);
    for (let i = 0; i < count; i++) end = values.skip(end);
    return end;
  }

  #begin(task: Attempt, code: Function | Promise<Function> | undefined, args: readonly unknown[]): void {
    if (code instanceof Promise) {
      // A module that takes its time: the task waits without a CPU, and others go on.
      const loaded = this.#runtime.lender.lending(task, code);
      this.#await(
        task,
        loaded.then((fn) => this.#run(task, fn, args)),
      );
      return;
    }
    try {
      const { info } = task.template;
      const body = info.kind === 'method' ? this.#method(task.actor, info.method) : (code as Function);
      const result = this.#run(task, body, args);
      if (isThenable(result)) this.#promised(task, result);
      else if (this.#end(task)) this.#pass(task, result);
    } catch (error) {
      this.#fail(task, error);
    }
  }

  #promised(task: Attempt, result: PromiseLike<unknown>): void {
    // It ran without async context, so its waits in `get` go unseen: it keeps no CPU. The next calls have context.
    if (this.#promises.get(task.template) === false) task.blocked++;
    this.#promises.set(task.template, true);
    this.#await(task, result);
  }

  /** Writes a result, later if the object store has no room for it yet. */
  #pass(task: Attempt, value: unknown): void {
    if (this.#results.succeed(task, value, task.tries < MAX_TRIES)) return;
    task.ended = false;
    this.#await(
      task,
      this.#makeRoom(task.tries++).then(() => value),
    );
  }

  #run(task: Attempt, code: Function, args: readonly unknown[]): unknown {
    const { carrier } = task;
    return carrier === undefined ? this.#call(task, code, args) : inTrace(carrier, () => this.#call(task, code, args));
  }

  #call(task: Attempt, code: Function, args: readonly unknown[]): unknown {
    if (task.creates) {
      const make = (): object => Reflect.construct(code, args as unknown[]) as object;
      this.#actors.set(task.actor, runSync(task, make));
      return undefined;
    }
    const { info } = task.template;
    const receiver = info.kind === 'method' ? this.#actors.get(task.actor) : undefined;
    if (info.generator) return this.#generate(task, () => Reflect.apply(code, receiver, args));
    if (this.#promises.get(task.template) === false) return runSync(task, () => Reflect.apply(code, receiver, args));
    const result: unknown = runAsync(task, () => Reflect.apply(code, receiver, args));
    if (!(isThenable(result) || this.#promises.has(task.template))) this.#promises.set(task.template, false);
    return result;
  }

  #generate(task: Attempt, body: () => unknown): Promise<number> {
    const write = (item: unknown): void => this.#results.item(task, item);
    const run = new GeneratorRun(task, task.skip, write, (promise) => this.#runtime.lender.lending(task, promise));
    task.generator = run;
    return runAsync(task, () => run.drive(body() as AsyncIterator<unknown> | Iterator<unknown>));
  }

  #method(actor: number, name: string): Function {
    const method = this.#actors.get(actor)?.[name];
    if (typeof method !== 'function') throw new MobulaError('ERR_MOBULA_INTERNAL', `the actor has no method ${name}`);
    return method;
  }

  #await(task: Attempt, result: PromiseLike<unknown>): void {
    this.#settling.push(task);
    this.#patience = PATIENCE;
    result.then(
      (value) => {
        if (this.#end(task)) this.#pass(task, value);
      },
      (error: unknown) => this.#fail(task, error),
    );
  }

  /**
   * A thread that is being ended may see errors that are not its task's: a script that gave nothing, say (seen once in 100 000
   * tasks under `npm run chaos`). It begins nothing more, and its tasks run again elsewhere.
   */
  #fail(task: Attempt, error: unknown): void {
    this.#ending ||= this.#runtime.addon.isEnding();
    if (this.#ending) this.#held = true;
    else if (this.#end(task)) this.#results.fail(task, error);
  }

  /** True once per task: its outcome is to be written now. */
  #end(task: Attempt): boolean {
    if (task.ended) return false;
    task.ended = true;
    // A generator that an error nobody caught has failed may be waiting for its consumer.
    task.generator?.wake();
    if (task.pending) {
      this.#background.delete(task.index);
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

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
