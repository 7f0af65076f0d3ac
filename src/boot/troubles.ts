import type { Logger } from '../common/init-options.ts';

/** The core does not serve this thread any more. */
export function tellMistake(logger: Logger | undefined, reason: unknown): void {
  logger?.error({ err: reason }, 'mobula stops after a mistake of its own');
  process.emitWarning(`mobula stops after a mistake of its own: ${String(reason)}`, 'MobulaWarning');
}

/** No worker thread can be started. Gives the problem, for the errors of what waits. */
export function tellNoWorkers(logger: Logger | undefined, reason: unknown): string {
  const why = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
  const message = reason instanceof Error ? reason.message : String(reason);
  logger?.error({ err: reason }, 'mobula cannot start worker threads');
  process.emitWarning(`mobula cannot start worker threads, and fails all tasks: ${why}`, 'MobulaWarning');
  return `mobula cannot start worker threads: ${message}. Mend that, and call init() again.`;
}

/** A worker thread hangs in native code. */
export function tellLostWorker(details: string): void {
  const advice = 'Its tasks were ended and another thread is in its place, but the process cannot exit before it.';
  process.emitWarning(`A worker thread is lost: ${details}. ${advice}`, 'MobulaWarning');
}
