import type { Operation } from './history.ts';
import type { Model } from './linearizable.ts';

/** Whether a history is linearizable, by trying every order: for the test of the checker, with a few operations. */
export function bruteForce<S, I, R>(
  left: readonly Operation<I, R>[],
  model: Model<S, I, R>,
  state = model.initial,
): boolean {
  if (left.every(({ returned }) => returned === undefined)) return true;
  return left.some((first) => {
    const rest = left.filter((other) => other !== first);
    if (rest.some(({ returned }) => returned !== undefined && returned < first.invoked)) return false;
    const after = model.apply(state, first.input);
    const fits = first.returned === undefined || model.same(after.result, first.result as R);
    return fits && bruteForce(rest, model, after.state);
  });
}
