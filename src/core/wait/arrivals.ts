import { GetTimeoutError } from '../../common/errors.ts';
import { setImmediate } from '../../common/timers.ts';
import type { ObjectRef } from '../refs/object-ref.ts';
import type { ThreadRuntime } from '../runtime.ts';
import { areThere } from './there.ts';

/**
 * Waits until `count` of the refs are there, or time is up; gives the positions of the first that are, `count` at most.
 * What is there already costs no subscription.
 */
export async function positionsThere(
  runtime: ThreadRuntime,
  refs: readonly ObjectRef<unknown>[],
  count: number,
  timeoutMs: number | undefined,
): Promise<ReadonlySet<number>> {
  const there = lookFor(runtime, refs, count);
  if (there.size >= count) return there;
  if (timeoutMs !== 0) return await arrivals(runtime, refs, count, timeoutMs, there);
  // A loop that polls leaves the thread to others: to calls that it has to run, or to timers.
  await runtime.lender.blocking(
    new Promise<void>((resolve) => {
      setImmediate(resolve);
    }),
  );
  return lookFor(runtime, refs, count);
}

/** Positions of refs that are there now, `count` at most. */
function lookFor(runtime: ThreadRuntime, refs: readonly ObjectRef<unknown>[], count: number): Set<number> {
  const answers = areThere(
    runtime,
    refs.map((ref) => runtime.refs.use(ref)),
  );
  const there = new Set<number>();
  for (let i = 0; i < answers.length && there.size < count; i++) if (answers[i] === 1) there.add(i);
  return there;
}

/** Adds positions to `there` until there are `count` of them, or time is up. */
function arrivals(
  runtime: ThreadRuntime,
  refs: readonly ObjectRef<unknown>[],
  count: number,
  timeoutMs: number | undefined,
  there: Set<number>,
): Promise<Set<number>> {
  return runtime.lender.blocking(
    new Promise((resolve, reject) => {
      runtime.waits.wait(
        refs,
        false,
        { timeoutMs },
        {
          arrived: (position) => there.add(position).size >= count,
          ended: (error) => (error === undefined || error instanceof GetTimeoutError ? resolve(there) : reject(error)),
        },
      );
    }),
  );
}

/** Refs that are there now, and those that are not, each in the order given. */
export function parted<R extends ObjectRef<unknown>>(
  runtime: ThreadRuntime,
  refs: readonly R[],
): { readonly there: readonly R[]; readonly missing: readonly R[] } {
  const answers = areThere(
    runtime,
    refs.map((ref) => runtime.refs.use(ref)),
  );
  return { there: refs.filter((_, i) => answers[i] === 1), missing: refs.filter((_, i) => answers[i] === 0) };
}

/** The refs as they come. */
export async function* inOrderOfArrival<R extends ObjectRef<unknown>>(
  runtime: ThreadRuntime,
  refs: readonly R[],
): AsyncGenerator<R, void, undefined> {
  const come: R[] = [];
  let problem: { readonly error: unknown } | undefined;
  let tell: (() => void) | undefined;
  const waiting = runtime.waits.wait(
    refs,
    false,
    {},
    {
      arrived(position) {
        come.push(refs[position] as R);
        tell?.();
        return false;
      },
      ended(error) {
        problem = { error };
        tell?.();
      },
    },
  );
  try {
    for (let given = 0; given < refs.length; given++) {
      if (given === come.length && problem === undefined) {
        await runtime.lender.blocking(
          new Promise<void>((resolve) => {
            tell = resolve;
          }),
        );
      }
      const next = come[given];
      if (next === undefined) throw problem?.error;
      yield next;
    }
  } finally {
    // Leaving the loop early: what has not come is not waited for.
    waiting.end(undefined);
  }
}
