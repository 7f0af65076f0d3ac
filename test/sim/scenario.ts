import type { Disaster } from './coverage.ts';
import type { MessageTable } from './messages.ts';
import type { Message, Program, Self } from './program.ts';
import type { World } from './world.ts';

/** A rule that does not hold: the failure of a seed. */
export class Violation extends Error {}

/** A place where one process runs at a time, by whose name it is reached. */
export interface Host {
  readonly name: string;
  readonly role: string;
  /**
   * Hosts with the same machine lose power together, and nothing cuts the links between them; each has a disk of its own, as a
   * folder. Default: a machine for itself.
   */
  readonly machine?: string;
  readonly program: Program;
  /** Whether disasters may end its process. */
  readonly mortal: boolean;
  /** Whether it uses its disk, so that striking it is worth while. */
  readonly disk: boolean;
}

/** What the checks of a seed have looked at. A history that is too hard to check is no pass: it is counted, and printed. */
export interface Verdict {
  readonly checked: number;
  readonly notChecked: number;
}

/** One seed's set-up, load and checks. */
export interface Scenario {
  readonly hosts: readonly Host[];
  /** A life has begun: its application may ask. */
  started(self: Self): void;
  /** A life has ended: what its application asked has no answer. */
  ended(self: Self): void;
  /** A process has told its application something. */
  told(self: Self, what: unknown): void;
  /** After every step: throws `Violation` if an invariant does not hold. */
  check(): void;
  /** What is not done yet, asked once nothing fails any more; `undefined`: all is. A seed that does not come so far hangs. */
  waitsFor(): string | undefined;
  /** At the end: throws `Violation` if a history is wrong. */
  finish(): Verdict;
}

/** What `npm run sim` runs. */
export interface Protocol {
  readonly name: string;
  readonly messages: MessageTable;
  /** How messages go over the wire, so that each goes through it here too. Without: as they are. */
  readonly wire?: { encode(message: Message): Uint8Array; decode(bytes: Uint8Array): Message };
  /** Disasters that cannot happen here. */
  readonly without?: readonly Disaster[];
  /**
   * Milliseconds of the world's time in which things fail (default 4 000), and which all waits may then take to end (60 000): more
   * than the longest time limit of the protocol.
   */
  readonly times?: { readonly failing: number; readonly patience: number };
  /** Things go on to fail until a seed has had so much. */
  readonly least?: { readonly messages: number; readonly faults: number };
  /** Planted bugs: each must be found. */
  readonly bugs: readonly string[];
  /** `bug`: the one that is switched on. */
  scenario(world: World, bug: string | undefined): Scenario;
}
