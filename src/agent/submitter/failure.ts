import { encodeFailure, failure } from '../../core/values/failures.ts';
import type { Ask } from '../ports.ts';
import type { Failing } from './state.ts';

const UNIT = 10_000;

/** The error of a task that no node can run, as the core takes it. */
export function failureOf(why: Failing, { fn, demand, infeasibleAfterMs }: Ask, attempt: number): Uint8Array {
  if (why.kind === 'node-died') {
    const details = `node ${why.node}, which it was to run on, is dead`;
    return encodeFailure(failure.nodeDied, attempt, fn, details);
  }
  if (why.kind === 'too-large') return encodeFailure(failure.tooFar, attempt, fn, '');
  const wanted = Object.entries(demand).map(([name, amount]) => `${amount / UNIT} ${name}`);
  const details = `${wanted.join(', ')}, and no node has had that for ${infeasibleAfterMs / 1000} s`;
  return encodeFailure(failure.unschedulable, attempt, fn, details);
}
