import type { Capture } from './capture-context.ts';
import type { Located } from './locate.ts';
import type { Step } from './problem.ts';
import type { FreeName } from './scope.ts';
import type { ScopeEntry } from './scope-chain.ts';

/** The function whose names are being captured. */
export interface NameContext {
  readonly capture: Capture;
  readonly located: Located;
  /** What V8 says its names stand for. */
  readonly values: ReadonlyMap<string, ScopeEntry>;
  /** Asks V8 for other names that the function can see. */
  read(names: readonly string[]): ReadonlyMap<string, ScopeEntry>;
}

/** The members of a module that are used; all of them where it is used in other ways. */
export function membersOf({ references }: FreeName, value: object): Set<string> {
  const used = new Set<string>();
  for (const { member } of references) {
    if (member === undefined) return new Set(Object.keys(value));
    used.add(member);
  }
  return used;
}

/** The refusal of a variable that is in its temporal dead zone. */
export function notYet(capture: Capture, step: Step): Error {
  return capture.fail(step, 'has no value yet', 'Call the function after the line that gives it one.');
}
