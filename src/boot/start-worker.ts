import type { BroadcastChannel, MessagePort } from 'node:worker_threads';
import { traceOf } from '../common/thrown.ts';
import { setImmediate } from '../common/timers.ts';
import { setCurrentRuntime } from '../core/current.ts';
import { registerLoader } from '../core/functions/loader.ts';
import { portKind } from '../core/port/wire.ts';
import { Executor } from '../core/run/executor.ts';
import { Pump } from '../core/run/pump.ts';
import { containContexts, currentTask } from '../core/run/task-context.ts';
import { ThreadRuntime } from '../core/runtime.ts';
import { SharedThings } from '../core/values/shared-things.ts';
import { thingHost } from '../core/values/thing-host.ts';
import { travel } from '../core/values/travel.ts';
import { addon } from '../native/binding.ts';
import { RETIRED, threadState } from '../workers/assignment.ts';
import { captureOutput } from '../workers/output/capture.ts';
import { awayTags } from './away-tags.ts';
import type { WorkerBrief } from './worker-brief.ts';

/** Makes the calling thread a worker: it attaches to the core and from then on runs what it is handed. */
async function work(brief: WorkerBrief, things: SharedThings, driver: MessagePort): Promise<void> {
  beDriversProgram(brief);
  containContexts();
  if (brief.loader !== undefined) await registerLoader(brief.loader);
  let pump: Pump | undefined;
  const runsTasks = brief.kind === 1;
  const serves = runsTasks ? brief.job : brief.host;
  const runtime = new ThreadRuntime(
    addon,
    runsTasks ? portKind.worker : portKind.host,
    serves,
    brief.facts,
    travel,
    things,
    () => pump?.rung(),
  );
  things.begin(thingHost(runtime), brief.things, brief.hub);
  setCurrentRuntime(runtime);
  captureOutput(brief.output, {
    task: currentTask,
    actor: () => {
      const index = currentTask()?.actor ?? -1;
      return index < 0 ? undefined : { index, generation: addon.objectGeneration(runtime.port.id, index) };
    },
    away: awayTags(runtime, brief.job),
    ring: () => addon.ringDriver(),
  });
  pump = new Pump(runtime);
  const disposable = (count: number): void => {
    Atomics.store(brief.state, threadState.disposable, count);
    if (count === 0) addon.ringDriver();
  };
  const leave = (): void => {
    if (Atomics.exchange(brief.state, threadState.leaving, 1) === 1) return;
    addon.stopTaking(runtime.port.id);
    Atomics.add(brief.leavings, 0, 1);
    addon.ringDriver();
  };
  const exit = (): void => {
    Atomics.store(brief.state, threadState.culprit, RETIRED);
    process.exit();
  };
  const executor = new Executor(runtime, pump.wake, disposable, { staysForMs: brief.staysForMs, leave, exit });
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
    if (task !== undefined) Atomics.store(brief.state, threadState.culprit, task.index + 1);
  });
  Atomics.store(brief.state, threadState.port, runtime.port.id + 1);
  runtime.keepAlive.hold(pump);
  driver.postMessage('up');
  pump.start(executor);
}

/** Tasks are parts of the driver's program: they see its arguments, and not those that start a thread. */
function beDriversProgram({ argv, execArgv, nodeOptions }: WorkerBrief): void {
  process.argv.splice(0, process.argv.length, ...argv);
  process.execArgv.splice(0, process.execArgv.length, ...execArgv);
  if (nodeOptions !== undefined) process.env['NODE_OPTIONS'] = nodeOptions;
}

/** Does what the pool, which has started this thread and was asked for it, says. */
export function startWorker(driver: MessagePort, channel: BroadcastChannel): void {
  const things = new SharedThings(channel);
  const begin = (brief: WorkerBrief): void => {
    work(brief, things, driver).then(
      () => driver.off('message', begin),
      (error: unknown) => {
        // Ends the thread, whatever this process does with rejections.
        setImmediate(() => {
          throw error;
        });
      },
    );
  };
  // Listening keeps the thread alive until its runtime does.
  driver.on('message', begin);
}
