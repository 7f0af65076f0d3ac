import { printStep, printsSteps } from '../../common/figure7.ts';
import { nodeIn } from '../../common/ids.ts';
import type { Life } from '../life.ts';
import type { Port } from '../port/port.ts';
import { op, submit } from '../port/wire.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import type { ThreadRefs } from '../refs/thread-refs.ts';
import { currentTask } from '../run/task-context.ts';
import { type ObservedThread, observe } from '../telemetry/observe.ts';
import { Tracing } from '../telemetry/trace.ts';
import { argument } from '../values/portable-kind.ts';
import type { Values } from '../values/values.ts';
import type { ObjectRefStream } from '../wait/stream.ts';
import type { Streams } from '../wait/streams.ts';
import type { Template } from './template.ts';

/** A name of actors: namespaces do not share theirs. */
export interface ActorName {
  readonly namespace: string;
  readonly name: string;
}

/** The thread's runtime, as the submitter uses it. */
export interface SubmitterRuntime extends ObservedThread {
  readonly port: Port;
  readonly values: Values;
  readonly refs: ThreadRefs;
  readonly life: Life;
  readonly inbox: ObservedThread['inbox'] & { readonly streams: Streams };
}

/** Writes a thread's tasks, and what is asked of them later, into its commands. */
export class Submitter {
  readonly #runtime: SubmitterRuntime;
  readonly #tracing = new Tracing();
  /** What the task submitted last makes, and the port's turn then. */
  #newest = -1;
  #turn = 0;

  constructor(runtime: SubmitterRuntime) {
    this.#runtime = runtime;
  }

  /** Writes a task into the commands. `actor` is the object of the actor it is a call on, `stream` its consumer's token, `name` that of the actor it creates. */
  submit(
    template: Template,
    flags: number,
    given: readonly unknown[],
    results: readonly number[],
    actor = -1,
    stream = -1,
    name?: ActorName,
  ): void {
    const { port, values, refs } = this.#runtime;
    this.#runtime.life.assertOpen();
    refs.giveBack();
    const parent = currentTask();
    const args = this.#tracing.add(given, port.turn, parent?.carrier);
    let deps: number[] | undefined;
    let passed = args;
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (typeof arg !== 'object' || arg === null || !ObjectRef.is(arg)) continue;
      if (deps === undefined) {
        deps = [];
        passed = [...args];
      }
      (passed as unknown[])[i] = argument(deps.length);
      deps.push(refs.use(arg, i));
    }
    let all = flags;
    if (deps !== undefined) all |= submit.deps;
    if (results.length > 1) all |= submit.multi;
    if (parent !== undefined) all |= submit.parent;
    const writer = port.begin(16);
    writer.byte(op.submit);
    writer.byte(all);
    writer.view.setUint32(writer.pos, template.id, true);
    writer.view.setUint32(writer.pos + 4, results[0] as number, true);
    writer.pos += 8;
    if (passed.length === 0) {
      // The commonest value by far: no arguments.
      writer.view.setUint32(writer.pos, 0, true);
      writer.pos += 4;
    } else {
      try {
        values.writeArguments(passed, 'args');
      } catch (error) {
        port.abort();
        throw error;
      }
    }
    if (deps !== undefined) port.list(deps);
    if (results.length > 1) port.list(results.slice(1));
    if ((flags & submit.call) !== 0) port.word(actor);
    if (parent !== undefined) {
      port.word(parent.index);
      port.word(parent.generation);
    }
    if ((flags & submit.stream) !== 0) port.word(stream);
    if (name !== undefined) {
      port.text(name.namespace);
      port.text(name.name);
    }
    if (printsSteps) this.#printStep(template, results[0] as number);
    port.commit();
    this.#newest = results[0] as number;
    this.#turn = port.turn;
    observe(this.#runtime, template, results[0] as number);
  }

  #printStep({ info }: Template, result: number): void {
    const id = this.#runtime.refs.nameOf(result);
    printStep('submitted', nodeIn(id), `${info.name} is submitted to the node's own scheduler; its result is ${id}`);
  }

  /** Whether the task that makes `object` was submitted just now: it has hardly begun. */
  isNew(object: number): boolean {
    return object === this.#newest && this.#runtime.port.turn === this.#turn;
  }

  /** Submits a task, or a call on `actor`, that yields a stream. */
  submitStream(template: Template, flags: number, args: readonly unknown[], actor: number): ObjectRefStream<unknown> {
    const { refs, inbox } = this.#runtime;
    const end = refs.make();
    const { streams } = inbox;
    const token = streams.name();
    this.submit(template, flags | submit.stream, args, [ObjectRef.index(end)], actor, token);
    return streams.make(token, end);
  }

  /** Tells the task behind a stream that there is room for more items. */
  credit(object: number, items: number): void {
    const { port } = this.#runtime;
    port.begin(9).byte(op.credit);
    port.word(object);
    port.word(items);
    port.commit();
  }

  cancel(ref: ObjectRef<unknown>, force: boolean, recursive: boolean): void {
    const { port, refs } = this.#runtime;
    const index = refs.use(ref);
    const writer = port.begin(6);
    writer.byte(op.cancel);
    writer.byte((force ? 1 : 0) | (recursive ? 2 : 0));
    port.word(index);
    port.commit();
    port.flush();
  }

  kill(actor: ObjectRef<unknown>, restart: boolean): void {
    const { port, refs } = this.#runtime;
    const index = refs.use(actor, 'This actor handle');
    const writer = port.begin(6);
    writer.byte(op.kill);
    writer.byte(restart ? 1 : 0);
    port.word(index);
    port.commit();
    port.flush();
  }
}
