import { traceOf } from '../common/errors.ts';
import { setCurrentRuntime } from '../core/current.ts';
import { registerLoader } from '../core/functions/loader.ts';
import { Executor } from '../core/run/executor.ts';
import { Pump } from '../core/run/pump.ts';
import { currentTask } from '../core/run/task-context.ts';
import { ThreadRuntime } from '../core/runtime.ts';
import { SharedThings } from '../core/values/shared-things.ts';
import { thingHost } from '../core/values/thing-host.ts';
import { travel } from '../core/values/travel.ts';
import { addon } from '../native/binding.ts';
import type { WorkerBrief } from './facts.ts';

/** Open before tinypool says that the thread is ready, so that nothing shared meanwhile is missed. */
const things = new SharedThings();

/**
 * Makes the calling thread a worker: it attaches to the core and from then on runs what it is handed. For tinypool that
 * is a task that ends at once, so a worker never keeps a finished program alive.
 */
export default async function work(brief: WorkerBrief): Promise<void> {
  if (brief.loader !== undefined) await registerLoader(brief.loader);
  let pump: Pump | undefined;
  const runtime = new ThreadRuntime(addon, brief.kind === 1 ? 1 : 2, brief.host, brief.facts, travel, things, () =>
    pump?.rung(),
  );
  things.begin(thingHost(runtime), brief.things, brief.hub);
  setCurrentRuntime(runtime);
  pump = new Pump(runtime);
  const executor = new Executor(runtime, pump.wake);
  // What nobody caught belongs to the task it came from, if that still runs; it must not take the thread along.
  const uncaught = (error: unknown): void => {
    if (executor.failBackground(currentTask(), error)) return;
    process.emitWarning(`A task left something behind that failed: ${traceOf(error)}`, 'MobulaWarning');
  };
  process.on('uncaughtException', uncaught);
  process.on('unhandledRejection', uncaught);
  // process.exit(): who called it is to blame for what the others on this thread lose.
  process.once('exit', () => {
    const task = currentTask();
    if (task !== undefined) Atomics.store(brief.port, 1, task.index + 1);
  });
  Atomics.store(brief.port, 0, runtime.port.id + 1);
  pump.start(executor);
}
