import { AsyncLocalStorage } from 'node:async_hooks';
import type { Template } from '../submit/template.ts';
import type { Carrier } from '../telemetry/trace.ts';
import type { Origin } from './origin.ts';

/** One attempt of a task, as the code that it runs sees it. */
export interface TaskContext {
  /** The task's place in the core, and which of the tasks in that place it is. */
  readonly index: number;
  readonly generation: number;
  readonly name: string;
  readonly template: Pick<Template, 'id' | 'info'>;
  readonly attempt: number;
  /** What it is at the node that has submitted it, if that is another. */
  readonly origin: Origin | undefined;
  /** The object of the actor that runs it, or -1. */
  readonly actor: number;
  /** Aborted when the task is cancelled or runs out of time. Made when first asked for. */
  stop: AbortController | undefined;
  stopped: boolean;
  /** How many `get`s and `wait`s of the task are under way. */
  blocked: number;
  /** The trace context that it was called in. */
  carrier: Carrier | undefined;
  /** Whether its outcome is written. */
  readonly ended: boolean;
  /** Whether it returned a promise and went on in the background. */
  pending: boolean;
}

/** The task whose synchronous part runs right now. */
let running: TaskContext | undefined;
let storage: AsyncLocalStorage<TaskContext> | undefined;
/** Whether the synchronous part of a task runs. */
let inside = false;
/** What the storages held that this part has entered, before it did. */
const entered = new Map<AsyncLocalStorage<unknown>, unknown>();
const { enterWith } = AsyncLocalStorage.prototype;

/** The task that the calling code belongs to. */
export function currentTask(): TaskContext | undefined {
  return running ?? storage?.getStore();
}

/**
 * From now on, what a task of this thread enters by `enterWith` ends with its synchronous part, and goes on in what that
 * part has started: the next task begins with an empty context.
 */
export function containContexts(): void {
  AsyncLocalStorage.prototype.enterWith = function (this: AsyncLocalStorage<unknown>, store: unknown): void {
    if (inside && !entered.has(this)) entered.set(this, this.getStore());
    enterWith.call(this, store);
  };
}

function leaveEntered(): void {
  for (const [each, before] of entered) enterWith.call(each, before);
  entered.clear();
}

/** Runs the synchronous part of a task. What it does after its first `await` loses sight of the task. */
export function runSync<R>(context: TaskContext, body: () => R): R {
  const outer = running;
  running = context;
  inside = true;
  try {
    return body();
  } finally {
    running = outer;
    inside = false;
    if (entered.size > 0) leaveEntered();
  }
}

/** Runs an async task: its code knows its task after every `await` too. */
export function runAsync<R>(context: TaskContext, body: () => R): R {
  storage ??= taskStorage();
  const outer = running;
  running = undefined;
  inside = true;
  try {
    return storage.run(context, body);
  } finally {
    running = outer;
    inside = false;
    if (entered.size > 0) leaveEntered();
  }
}

/** Made with the first task: on Node 20 a storage in use makes every promise of the thread slower, and drivers need none. */
function taskStorage(): AsyncLocalStorage<TaskContext> {
  // From Node 24 on, `run` enters and leaves by `enterWith`; this one needs nobody to clean up after it.
  return Object.assign(new AsyncLocalStorage<TaskContext>(), { enterWith });
}
