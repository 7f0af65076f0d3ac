import type { WaitReason } from '../../native/addon.ts';
import type { ResourceTable } from '../submit/resources.ts';

/** What a task waits for: `Cause` in `crates/mobula-sched/src/reason.rs` is the other side. */
const cause = { nothing: 0, argument: 1, resources: 2, actor: 3, thread: 4 } as const;

const UNIT = 10_000;

/** What describing reasons needs to know of the node. */
export interface ReasonNames {
  /** Name of a resource, as the core counts them: 0 = CPU. */
  resourceName(index: number): string;
}

/** The names of a node's resources. They are looked up when they are asked for. */
export function namesOf(resources: ResourceTable): ReasonNames {
  return { resourceName: (index) => resources.nameOf(index) };
}

/** One who waits for another, in a cycle. */
export function waitsFor(name: string, other: string): string {
  return `'${name}' waits for '${other}'`;
}

/** Why an object is not there, in one sentence; undefined if nothing is known. */
export function describeWait(reasons: readonly WaitReason[], names: ReasonNames): string | undefined {
  if (reasons.length === 0) return undefined;
  const parts = reasons.map((reason, i) => describe(reason, reasons[i + 1], names));
  return `${parts.join('; ')}.`;
}

function describe(reason: WaitReason, next: WaitReason | undefined, names: ReasonNames): string {
  const name = nameOf(reason);
  switch (reason.cause) {
    case cause.argument:
      return `${name} waits for an argument${next === undefined ? '' : `, which ${nameOf(next)} makes`}`;
    case cause.resources:
      return `${name} ${isSeveral(reason) ? 'wait' : 'waits'} for ${lacking(reason, names)}${holders(reason)}`;
    case cause.actor:
      return `${name} waits for its actor, as number ${reason.count} of its queue`;
    case cause.thread:
      return `${name} is ready, and waits for a thread to take it`;
    default:
      return `${name} runs`;
  }
}

function isSeveral({ name, count }: WaitReason): boolean {
  return name === '' && count > 1;
}

function nameOf(reason: WaitReason): string {
  if (reason.name !== '') return `'${reason.name}'`;
  return isSeveral(reason) ? `${reason.count} tasks` : 'a task';
}

/** What to do about a wait for resources, by what holds them. */
export function adviceOf({ holders }: WaitReason): string {
  const ways = [
    ...(holders.some(({ actors }) => actors)
      ? ['let go of actors that are not used (kill them, or drop their handles)']
      : []),
    ...(holders.some(({ actors }) => !actors)
      ? ['cancel tasks with force: one that is only cancelled keeps what it holds until it ends']
      : []),
    'ask for less',
    'start mobula with more',
  ];
  const last = ways.pop() ?? '';
  const text = `${ways.join(', ')}, or ${last}.`;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function lacking({ lacking }: WaitReason, names: ReasonNames): string {
  const parts: string[] = [];
  for (let i = 0; i + 2 < lacking.length; i += 3) {
    const [resource, wanted, free] = lacking.slice(i, i + 3) as [number, number, number];
    parts.push(`${wanted / UNIT} ${names.resourceName(resource)} (free: ${Math.max(0, free) / UNIT})`);
  }
  return parts.join(' and ');
}

function holders({ holders }: WaitReason): string {
  const parts = holders.map(({ name, actors, count }) => {
    const what = `${actors ? 'actor' : 'task'}${count === 1 ? '' : 's'}`;
    return `${count} ${what} '${name}'`;
  });
  return parts.length === 0 ? '' : `, held by ${parts.join(', ')}`;
}
