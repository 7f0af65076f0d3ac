import { MobulaError } from '../../common/errors.ts';
import type { ThreadRuntime } from '../runtime.ts';
import { inTrace } from '../telemetry/trace.ts';
import type { Attempt } from './attempt.ts';
import { GeneratorRun } from './generator-run.ts';
import type { Instances } from './instances.ts';
import type { ResultWriter } from './result-writer.ts';
import { runAsync, runSync } from './task-context.ts';

/** Runs the user's code: functions, constructors, methods and generators, each in the context of its task. */
export class Runner {
  readonly #runtime: ThreadRuntime;
  readonly #results: ResultWriter;
  readonly #actors: Instances;
  constructor(runtime: ThreadRuntime, results: ResultWriter, actors: Instances) {
    this.#runtime = runtime;
    this.#results = results;
    this.#actors = actors;
  }

  /** Runs a task; gives what its code returns, or throws what it throws. `code`: undefined for a method. */
  run(task: Attempt, code: Function | undefined, args: readonly unknown[]): unknown {
    const { carrier } = task;
    return carrier === undefined ? this.#call(task, code, args) : inTrace(carrier, () => this.#call(task, code, args));
  }

  #call(task: Attempt, code: Function | undefined, args: readonly unknown[]): unknown {
    if (task.creates) {
      const make = (): object => Reflect.construct(code as Function, args as unknown[]) as object;
      this.#actors.set(task.actor, runSync(task, make));
      return undefined;
    }
    const { info, habits } = task.template;
    const isMethod = info.kind === 'method';
    const body = isMethod ? this.#method(task.actor, info.method) : (code as Function);
    const receiver = isMethod ? this.#actors.get(task.actor) : undefined;
    if (info.generator) return this.#generate(task, () => Reflect.apply(body, receiver, args));
    if (habits.promises === false) return runSync(task, () => Reflect.apply(body, receiver, args));
    const result: unknown = runAsync(task, () => Reflect.apply(body, receiver, args));
    if (!isThenable(result)) habits.promises ??= false;
    return result;
  }

  #method(actor: number, name: string): Function {
    const method = this.#actors.get(actor)?.[name];
    if (typeof method !== 'function') throw new MobulaError('ERR_MOBULA_INTERNAL', `the actor has no method ${name}`);
    return method;
  }

  #generate(task: Attempt, body: () => unknown): Promise<number> {
    const write = (item: unknown): void => this.#results.item(task, item);
    const run = new GeneratorRun(task, task.skip, write, (promise) => this.#runtime.lender.lending(task, promise));
    task.generator = run;
    return runAsync(task, () => run.drive(body() as AsyncIterator<unknown> | Iterator<unknown>));
  }

  /** The task has returned a promise. */
  promised(task: Attempt): void {
    // It ran without async context, so its waits in `get` go unseen: it keeps no CPU. The next calls have context.
    const { habits } = task.template;
    if (habits.promises === false) task.blocked++;
    habits.promises = true;
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
