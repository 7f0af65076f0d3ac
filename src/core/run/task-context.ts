import { AsyncLocalStorage } from 'node:async_hooks';
import type { Carrier } from '../telemetry/trace.ts';

/** One attempt of a task, as the code that it runs sees it. */
export interface TaskContext {
  /** The task's place in the core, and which of the tasks in that place it is. */
  readonly index: number;
  readonly generation: number;
  readonly name: string;
  readonly template: { readonly id: number };
  readonly attempt: number;
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

/** The task that the calling code belongs to. */
export function currentTask(): TaskContext | undefined {
  return running ?? storage?.getStore();
}

/** Runs the synchronous part of a task. What it does after its first `await` loses sight of the task. */
export function runSync<R>(context: TaskContext, body: () => R): R {
  const outer = running;
  running = context;
  try {
    return body();
  } finally {
    running = outer;
  }
}

/** Runs an async task: its code knows its task after every `await` too. */
export function runAsync<R>(context: TaskContext, body: () => R): R {
  // Made with the first task: on Node 20 a storage in use makes every promise of the thread slower, and drivers need none.
  storage ??= new AsyncLocalStorage();
  const outer = running;
  running = undefined;
  try {
    return storage.run(context, body);
  } finally {
    running = outer;
  }
}
