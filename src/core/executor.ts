import { isMobulaError, MobulaError, SerializationError } from '../common/errors.ts';
import { CodeCache } from './code.ts';
import { GeneratorRun } from './generator-run.ts';
import type { NewsHandler, ThreadRuntime } from './runtime.ts';
import { runAsync, runSync, type TaskContext } from './task-context.ts';
import type { Template } from './template.ts';
import { event, op, outcome } from './wire.ts';

/** Turns of microtasks that promises get before their tasks count as going on in the background. */
const PATIENCE = 4;
/** The batch is cut off: nothing of the inbox after this is read. */
const CUT = Number.MAX_SAFE_INTEGER;
/** Bytes of a task record before its arguments. */
const HEAD = 28;

const AsyncFunction = (async () => undefined).constructor;

interface Instance {
  readonly object: Record<string, unknown>;
}

/** A task that has returned a promise. */
interface InFlight {
  readonly context: TaskContext;
  readonly template: Template;
  readonly generator: GeneratorRun | undefined;
}

/** What one task needs to be run. */
interface Call {
  readonly context: TaskContext;
  readonly template: Template;
  readonly args: readonly unknown[];
  readonly creates: boolean;
  /** Items of a stream handed out by earlier attempts. */
  readonly skip: number;
}

/** Runs the tasks and actor calls that a thread is handed. */
export class Executor implements NewsHandler {
  readonly #runtime: ThreadRuntime;
  readonly #codes: CodeCache;
  readonly #actors = new Map<number, Instance>();
  /** Tasks that went on in the background. */
  readonly #inFlight = new Map<number, InFlight>();
  readonly #wake: () => void;
  /** Tasks of the batch that have returned promises which are not settled yet. */
  readonly #settling = new Set<TaskContext>();
  /** Templates, by number, whose tasks wait for timers or sockets: they are begun one at a time. */
  readonly #slow = new Set<number>();
  #patience = 0;

  /** `wake`: a task that went on in the background has ended; its result is to be passed on. */
  constructor(runtime: ThreadRuntime, wake: () => void) {
    this.#runtime = runtime;
    this.#codes = new CodeCache(runtime);
    this.#wake = wake;
    runtime.handleNews(this);
  }

  /** Whether promises of the batch are to be given a turn of microtasks. */
  get settling(): boolean {
    return this.#settling.size > 0;
  }

  /**
   * After a turn of microtasks: true if the batch's promises need more of them. In the end those that are not settled
   * count as going on in the background.
   */
  settle(): boolean {
    if (this.#settling.size > 0 && --this.#patience > 0 && [...this.#settling].some((context) => context.blocked === 0)) {
      return true;
    }
    for (const context of this.#settling) this.#goOnInBackground(context);
    this.#settling.clear();
    return false;
  }

  #goOnInBackground(context: TaskContext): void {
    context.pending = true;
    if (context.blocked === 0) {
      const entry = this.#inFlight.get(context.index);
      if (entry !== undefined) this.#slow.add(entry.template.id);
    }
    const { port } = this.#runtime;
    const writer = port.begin(6);
    writer.byte(op.pending);
    writer.byte(context.blocked > 0 ? 1 : 0);
    port.word(context.index);
    port.publish();
  }

  handle(kind: number, pos: number): number {
    const view = this.#runtime.port.inboxView;
    switch (kind) {
      case event.task:
        return this.#task(pos);
      case event.stopTask:
        this.#stop(view.getUint32(pos + 4, true));
        return pos + 8;
      case event.credit:
        this.#inFlight.get(view.getUint32(pos + 4, true))?.generator?.credit(view.getUint32(pos + 8, true));
        return pos + 12;
      case event.stopActor:
        this.#actors.delete(view.getUint32(pos + 4, true));
        return pos + 8;
      default:
        throw new MobulaError('ERR_MOBULA_INTERNAL', `unknown news of kind ${kind}`);
    }
  }

  #stop(task: number): void {
    const context = this.#inFlight.get(task)?.context;
    if (context === undefined) return;
    context.stopped = true;
    context.stop?.abort();
  }

  /** Runs one task record; gives where the next begins. */
  #task(pos: number): number {
    const { port, registry } = this.#runtime;
    const view = port.inboxView;
    const slot = view.getUint16(pos + 2, true);
    const count = view.getUint32(pos + 24, true);
    const argsAt = pos + HEAD;
    if (!port.claim(slot)) return this.#skip(argsAt, count);
    const creates = port.inbox[pos + 1] !== 0;
    const template = registry.get(view.getUint32(pos + 12, true));
    const extra = view.getUint32(pos + 20, true);
    const isTask = template.info.kind === 'task';
    const context: TaskContext = {
      index: view.getUint32(pos + 4, true),
      generation: view.getUint32(pos + 8, true),
      name: template.info.name,
      attempt: view.getUint32(pos + 16, true),
      actor: isTask ? -1 : extra,
      stop: undefined,
      stopped: false,
      blocked: 0,
      pending: false,
    };
    let end = 0;
    try {
      const args = this.#runtime.readArguments(argsAt, count);
      end = this.#runtime.values.end;
      this.#begin({ context, template, args, creates, skip: isTask ? extra : 0 });
    } catch (error) {
      if (end === 0) end = this.#skip(argsAt, count);
      this.#fail(context, template, error);
    }
    return this.#settling.has(context) && !this.#mayGoOn(template) ? CUT : end;
  }

  /** Whether the next task may begin while the promise of one of `template` is not settled. */
  #mayGoOn(template: Template): boolean {
    return template.info.kind === 'task' && !this.#slow.has(template.id);
  }

  #skip(argsAt: number, count: number): number {
    const { values } = this.#runtime;
    let end = values.skip(argsAt);
    for (let i = 0; i < count; i++) end = values.skip(end);
    return end;
  }

  #begin(call: Call): void {
    const { template, context } = call;
    if (template.info.kind === 'method') {
      this.#invoke(call, this.#method(context.actor, template.info.method));
      return;
    }
    const code = this.#codes.of(template);
    if (code instanceof Promise) {
      this.#await(
        call,
        code.then((loaded) => this.#run(call, loaded)),
      );
      return;
    }
    this.#invoke(call, code);
  }

  /** Calls the code and passes on what comes of it, now or later. */
  #invoke(call: Call, code: Function): void {
    const result = this.#run(call, code);
    if (isThenable(result)) this.#await(call, result);
    else this.#succeed(call, result);
  }

  #run(call: Call, code: Function): unknown {
    const { context, template, args } = call;
    if (call.creates) {
      const make = (): object => Reflect.construct(code, args as unknown[]) as object;
      this.#actors.set(context.actor, { object: runSync(context, make) as Record<string, unknown> });
      return undefined;
    }
    const receiver = template.info.kind === 'method' ? this.#actors.get(context.actor)?.object : undefined;
    const body = (): unknown => Reflect.apply(code, receiver, args);
    if (template.info.generator) return this.#generate(call, body);
    return code instanceof AsyncFunction ? runAsync(context, body) : runSync(context, body);
  }

  #generate(call: Call, body: () => unknown): Promise<number> {
    const { context } = call;
    const runtime = this.#runtime;
    const run = new GeneratorRun(context, call.skip, (item) => {
      try {
        runtime.port.begin(5).byte(op.yield);
        runtime.port.word(context.index);
        runtime.values.write(item, 'item');
      } catch (error) {
        runtime.port.abort();
        throw error;
      }
      runtime.port.commit();
    });
    this.#inFlight.set(context.index, { context, template: call.template, generator: run });
    return runAsync(context, () => run.drive(body() as AsyncIterator<unknown> | Iterator<unknown>));
  }

  #method(actor: number, name: string): Function {
    const method = this.#actors.get(actor)?.object[name];
    if (typeof method !== 'function') throw new MobulaError('ERR_MOBULA_INTERNAL', `the actor has no method ${name}`);
    return method;
  }

  #await(call: Call, result: PromiseLike<unknown>): void {
    const { context } = call;
    this.#settling.add(context);
    this.#patience = PATIENCE;
    if (!this.#inFlight.has(context.index))
      this.#inFlight.set(context.index, { context, template: call.template, generator: undefined });
    result.then(
      (value) => this.#ended(call, () => this.#succeed(call, value)),
      (error: unknown) => this.#ended(call, () => this.#fail(context, call.template, error)),
    );
  }

  #ended(call: Call, pass: () => void): void {
    const { context } = call;
    if (this.#inFlight.get(context.index)?.context !== context) return;
    this.#inFlight.delete(context.index);
    pass();
    if (!this.#settling.delete(context)) this.#wake();
  }

  #succeed(call: Call, value: unknown): void {
    const { context, template } = call;
    const { numReturns } = template.info;
    if (numReturns > 1 && !(Array.isArray(value) && value.length === numReturns)) {
      const got = Array.isArray(value) ? `an array of ${value.length}` : `${typeof value}`;
      const problem = `Task '${context.name}' has numReturns: ${numReturns} and returned ${got}. Return an array of that length.`;
      this.#fail(context, template, new MobulaError('ERR_MOBULA_INVALID_ARGUMENT', problem));
      return;
    }
    try {
      this.#writeResult(context, outcome.ok, numReturns > 1 ? (value as unknown[]) : [value], 'result');
    } catch (error) {
      this.#fail(context, template, error);
    }
  }

  #fail(context: TaskContext, template: Template, thrown: unknown): void {
    const kind = retries(template, thrown) ? outcome.retry : outcome.error;
    const wire = (what: unknown): unknown[] => [[what, context.name, context.attempt]];
    try {
      this.#writeResult(context, kind, wire(thrown), 'error');
    } catch {
      this.#writeResult(context, kind, wire(plainError(thrown)), 'error');
    }
  }

  #writeResult(context: TaskContext, kind: number, values: readonly unknown[], path: string): void {
    const { port, values: writer } = this.#runtime;
    try {
      const out = port.begin(8);
      out.byte(op.result);
      out.byte(kind);
      out.view.setUint16(out.pos, values.length, true);
      out.view.setUint32(out.pos + 2, context.index, true);
      out.pos += 6;
      if (values.length === 1) writer.write(values[0], path);
      else for (const [i, value] of values.entries()) writer.write(value, `${path}[${i}]`);
    } catch (error) {
      port.abort();
      throw error;
    }
    port.publish();
  }

  /** An error that nobody caught: it belongs to `context`, if that still runs. False: it belongs to nobody. */
  failInFlight(context: TaskContext | undefined, error: unknown): boolean {
    const entry = context === undefined ? undefined : this.#inFlight.get(context.index);
    if (context === undefined || entry?.context !== context) return false;
    this.#inFlight.delete(context.index);
    this.#fail(context, entry.template, error);
    this.#settling.delete(context);
    this.#wake();
    return true;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** Whether the template asks for another attempt after `thrown`. */
function retries(template: Template, thrown: unknown): boolean {
  const { retryExceptions } = template.info;
  if (typeof retryExceptions === 'boolean') return retryExceptions;
  for (let proto: unknown = thrown; typeof proto === 'object' && proto !== null; proto = Object.getPrototypeOf(proto)) {
    const name: unknown = (proto as { constructor?: { name?: unknown } }).constructor?.name;
    if (retryExceptions.includes(String(name))) return true;
  }
  return false;
}

/** What is left of an error that cannot travel as it is: its message, stack and code. */
function plainError(thrown: unknown): Error {
  if (!(thrown instanceof Error)) {
    const problem = new SerializationError('error', 'is not an Error and cannot travel', 'Throw Errors');
    return Object.assign(new Error(`${String(thrown)} (${problem.message})`));
  }
  const plain = new Error(thrown.message);
  plain.name = thrown.name;
  if (thrown.stack !== undefined) plain.stack = thrown.stack;
  const code: unknown = Reflect.get(thrown, 'code');
  if (typeof code === 'string' || typeof code === 'number') Object.assign(plain, { code });
  const { cause } = thrown;
  if (cause instanceof Error && !isMobulaError(cause)) plain.cause = plainError(cause);
  return plain;
}
