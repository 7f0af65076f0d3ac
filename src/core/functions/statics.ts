import type { PropertyDefinition } from 'acorn';
import type { Located } from './locate.ts';
import { keepsInitialiser, membersOf } from './members.ts';
import type { Range } from './scope.ts';
import type { AnyFunction } from './shipped.ts';

/** What of a class's text is not evaluated in a worker. Static fields get the values they have; nothing is computed again. */
export interface StaticPlan {
  /** Initialisers of static fields; a number stands in for each. */
  readonly initialisers: readonly Range[];
  /** What static blocks do. */
  readonly blocks: readonly Range[];
  /** Static private fields that get their values afterwards. */
  readonly privates: readonly { readonly name: string; readonly value: unknown }[];
}

/** Plans what happens to the static parts of a class. `readPrivates` gives what its static private fields hold. */
export function planStatics(
  fn: AnyFunction,
  located: Located,
  readPrivates: () => ReadonlyMap<string, unknown>,
): StaticPlan {
  const plan = { initialisers: [] as Range[], blocks: [] as Range[], privates: [] as StaticPlan['privates'][number][] };
  for (const member of membersOf(located)) {
    if (member.type === 'StaticBlock') {
      const start = located.script.text.indexOf('{', member.start) + 1;
      plan.blocks.push({ start, end: member.end - 1 });
    }
    if (member.type !== 'PropertyDefinition' || !member.static) continue;
    const { key, value: init } = member;
    const hidden = key.type === 'PrivateIdentifier' ? `#${key.name}` : undefined;
    const value = hidden === undefined ? heldBy(fn, member) : readPrivates().get(hidden);
    if (keepsInitialiser(member, value, located)) continue;
    if (init) plan.initialisers.push(init);
    if (hidden !== undefined) plan.privates.push({ name: hidden, value });
  }
  return plan;
}

function heldBy(fn: AnyFunction, { key, computed }: PropertyDefinition): unknown {
  return key.type === 'Identifier' && !computed ? Object.getOwnPropertyDescriptor(fn, key.name)?.value : undefined;
}
