import { RuntimeClosedError } from '../common/errors.ts';
import type { ThreadRuntime } from './runtime.ts';

interface Shared {
  runtime: ThreadRuntime | undefined;
  /** Starts an embedded runtime with the defaults; only the driver's thread has one. */
  start: (() => ThreadRuntime) | undefined;
}

const key = Symbol.for('mobula.runtime');
const holder = globalThis as { [key]?: Shared };

holder[key] ??= { runtime: undefined, start: undefined };
/** What all copies of mobula that are loaded in this thread share. Looked up once: on the global object that is slow. */
const shared: Shared = holder[key];

/** The runtime of the calling thread. */
export function currentRuntime(): ThreadRuntime | undefined {
  return shared.runtime;
}

export function setCurrentRuntime(runtime: ThreadRuntime | undefined): void {
  shared.runtime = runtime;
}

/** Says how a runtime is started when the first call needs one. */
export function setStarter(start: () => ThreadRuntime): void {
  shared.start ??= start;
}

/** The runtime of the calling thread, started if need be. */
export function requireRuntime(): ThreadRuntime {
  const { runtime, start } = shared;
  if (runtime !== undefined) return runtime;
  if (start === undefined) throw new RuntimeClosedError();
  return start();
}
