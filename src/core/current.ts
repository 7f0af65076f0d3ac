import { MobulaError, RuntimeClosedError } from '../common/errors.ts';
import { version } from '../common/version.ts';
import type { ThreadRuntime } from './runtime.ts';

/** One evaluation of mobula's modules. */
interface Copy {
  readonly version: string;
  readonly file: string;
}

interface Shared {
  runtime: ThreadRuntime | undefined;
  /** The copy of mobula whose runtime it is. */
  owner: Copy | undefined;
}

const key = Symbol.for('mobula.runtime');
const holder = globalThis as { [key]?: Shared };

holder[key] ??= { runtime: undefined, owner: undefined };
/** What all copies of mobula that are loaded in this thread share. Looked up once: on the global object that is slow. */
const shared: Shared = holder[key];

const copy: Copy = { version, file: import.meta.url };

/** Starts an embedded runtime with the defaults; only the driver's thread has one. */
let starter: (() => ThreadRuntime) | undefined;

/** The runtime of the calling thread, if it is this copy's: the classes of another copy are others. */
export function currentRuntime(): ThreadRuntime | undefined {
  return shared.owner === copy ? shared.runtime : undefined;
}

export function setCurrentRuntime(runtime: ThreadRuntime | undefined): void {
  shared.runtime = runtime;
  shared.owner = runtime === undefined ? undefined : copy;
}

/** Says how a runtime is started when the first call needs one. */
export function setStarter(start: () => ThreadRuntime): void {
  starter = start;
}

/** Throws if another copy of mobula has a runtime in this thread. */
export function refuseOtherCopy(): void {
  const { owner, runtime } = shared;
  if (runtime === undefined || owner === copy) return;
  const other = owner === undefined ? 'mobula of an unknown version' : `mobula ${owner.version} (${owner.file})`;
  const both = `${other}, and this is mobula ${copy.version} (${copy.file})`;
  const advice = 'One copy at a time can have a runtime in a thread, and refs and handles belong to their copy.';
  const next = "Have both resolve to one copy ('npm ls mobula' shows them; 'npm dedupe', or a peer dependency)";
  throw new MobulaError(
    'ERR_MOBULA_OTHER_COPY',
    `A runtime is up here, of another copy: ${both}. ${advice} ${next}, or call shutdown() of that copy first.`,
  );
}

/** The runtime of the calling thread, started if need be. */
export function requireRuntime(): ThreadRuntime {
  const runtime = currentRuntime();
  if (runtime !== undefined) return runtime;
  refuseOtherCopy();
  if (starter === undefined) throw new RuntimeClosedError();
  return starter();
}
