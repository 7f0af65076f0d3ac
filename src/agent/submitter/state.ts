import { ByPlace } from '../by-place.ts';
import type { Ask, Granted, NodeId, Wanted } from '../ports.ts';
import type { Attempted } from '../wire/entries.ts';

/** Tasks of one kind that wait in the core for a node. */
export interface Line {
  /** The core's number for it. */
  readonly number: number;
  readonly ask: Ask;
  /** The node that has most of the large arguments of each of its tasks. */
  readonly near: Near | undefined;
  /** Tasks that wait in the core. */
  waiting: number;
  /** What one takes, in milliseconds, as far as the core knows. */
  meanMs: number | undefined;
  /** Tasks that are out: sent, and not answered. */
  out: number;
  readonly windows: Map<NodeId, Window>;
  /** Tasks that are out and have waited for long where they are: they want another place, too. */
  readonly stuck: Set<number>;
  /** Those that were recalled, and are still out. */
  readonly recalled: Set<number>;
  /** Whether it has ever given windows back: what the scheduler says of them may still come. */
  gaveBack: boolean;
  /** How many more tasks the core was told to hand out. */
  opened: number;
  /** How many tasks the scheduler was told of. */
  told: number;
  /** Whether the scheduler is to be told what is out. */
  tells: boolean;
  /** Why its tasks fail, all that are there. */
  failing: Failing | undefined;
  /** Whether the scheduler has said that no node can run its tasks: it says so again if it hears of more. */
  judged: boolean;
  /** Since when nothing is waiting and nothing out; nothing else than a task ends that. */
  idleSince: number | undefined;
}

/** Large arguments that stay at a node: about so many bytes. */
export interface Near {
  readonly node: NodeId;
  readonly bytes: number;
}

/** How many tasks of a line may be out at a node, and are. */
export interface Window {
  w: number;
  out: number;
  /** Whether tasks have waited there for long, and none has ended since. */
  isSlow: boolean;
}

export type Failing =
  | { readonly kind: 'infeasible' }
  | { readonly kind: 'node-died'; readonly node: NodeId }
  /** Of one task: so much goes to no other node. */
  | { readonly kind: 'too-large' };

/** A task that is out. */
export interface Flight {
  readonly generation: number;
  readonly attempt: number;
  readonly node: NodeId;
  readonly ask: Ask;
  /** Whose window it counts in; none of a task that follows its makers, and takes their place. */
  readonly line: Line | undefined;
  /** The attempts that it follows, if it does. */
  readonly makers: readonly Attempted[] | undefined;
  /** Whether it may run more than once, so that its results may stay where they are made. */
  readonly mayRepeat: boolean;
}

export interface Submitter {
  readonly lines: Map<number, Line>;
  /** The line that tasks with such an ask are in. */
  readonly byAsk: Map<string, Line>;
  /** By the task's place in the core. */
  readonly flights: ByPlace<Flight>;
  /** Tasks that are out and follow others; and how many more the core was told to hand out. */
  followers: number;
  openedFollowers: number;
  /** The last ask of a task that follows, and its text. */
  readonly lastAsk: { text: string; ask: Ask | undefined };
  readonly dead: Set<NodeId>;
  /** Nodes that take nothing new. */
  readonly leaving: Set<NodeId>;
  /** Lines that have tasks and no place for any, the one that has lacked it longest first; since when. */
  readonly lacking: Map<Line, number>;
  /** Lines of which something has changed since the last `settle`. */
  readonly changed: Set<Line>;
  /** The number of the last request, and of the last grant seen. */
  no: number;
  seen: number;
  /** When the scheduler was last asked. */
  askedAt: number;
  /** Whether the next request names all lines. */
  complete: boolean;
  /** Whether a grant of a line that is over is to be acknowledged. */
  acknowledges: boolean;
}

export function newSubmitter(): Submitter {
  return {
    lines: new Map(),
    byAsk: new Map(),
    flights: new ByPlace(),
    followers: 0,
    openedFollowers: 0,
    lastAsk: { text: '', ask: undefined },
    dead: new Set(),
    leaving: new Set(),
    lacking: new Map(),
    changed: new Set(),
    no: 0,
    seen: 0,
    askedAt: Number.NEGATIVE_INFINITY,
    complete: true,
    acknowledges: false,
  };
}

export type SubmitterEvent =
  /** So many tasks wait in a line. `meanMs`: what one takes, where that is known here. `ask` and `near`: the first time. `over`: its number is not named again. */
  | {
      readonly kind: 'line';
      readonly line: number;
      readonly waiting: number;
      readonly meanMs: number | undefined;
      readonly ask: string | undefined;
      readonly near: Near | undefined;
      readonly over: boolean;
    }
  /** The core has handed out a task of a line. */
  | {
      readonly kind: 'task';
      readonly index: number;
      readonly generation: number;
      readonly attempt: number;
      readonly line: number;
      readonly mayRepeat: boolean;
      /** Whether its values are more than can be sent. */
      readonly tooLarge: boolean;
      /** Whether arguments of it were lost since it was handed out. */
      readonly lacks: boolean;
    }
  /** The core has handed out a task whose arguments are not there yet: these make them. */
  | {
      readonly kind: 'follower';
      readonly index: number;
      readonly generation: number;
      readonly attempt: number;
      readonly ask: string;
      readonly makers: readonly Attempted[];
      readonly mayRepeat: boolean;
      readonly tooLarge: boolean;
    }
  /** Nobody waits for what a task does. */
  | {
      readonly kind: 'stop';
      readonly index: number;
      readonly generation: number;
      readonly force: boolean;
      readonly recursive: boolean;
    }
  /** A node says what became of a task. */
  | {
      readonly kind: 'answer';
      readonly node: NodeId;
      readonly index: number;
      readonly generation: number;
      readonly attempt: number;
      readonly hasBegun: boolean;
    }
  /** A node says that a task has waited there for long. */
  | {
      readonly kind: 'waits';
      readonly node: NodeId;
      readonly index: number;
      readonly generation: number;
      readonly attempt: number;
    }
  /** A node takes nothing new. */
  | { readonly kind: 'leaving'; readonly node: NodeId }
  | { readonly kind: 'granted'; readonly word: Granted }
  | { readonly kind: 'ask-all'; readonly fresh: boolean }
  /** `begun`: the attempts that had begun there (`attemptKey`). Undefined: it is not known. */
  | { readonly kind: 'dead'; readonly node: NodeId; readonly begun: ReadonlySet<string> | undefined }
  /** All news of this turn are in, or time has passed: what has changed is told. */
  | { readonly kind: 'settle' };

export type SubmitterEffect =
  /** The task just handed out goes to `node`. */
  | { readonly kind: 'send'; readonly node: NodeId }
  /** It goes back to its line. */
  | { readonly kind: 'give-back'; readonly index: number }
  /** It fails. */
  | { readonly kind: 'fail'; readonly index: number; readonly why: Failing; readonly ask: Ask }
  /** The answer counts: the task's attempt ends with it. */
  | { readonly kind: 'end'; readonly index: number; readonly ask: Ask }
  /** The attempt is lost with its node. */
  | {
      readonly kind: 'lost';
      readonly index: number;
      readonly attempt: number;
      readonly fn: string;
      readonly node: NodeId;
    }
  | {
      readonly kind: 'cancel';
      readonly node: NodeId;
      readonly index: number;
      readonly generation: number;
      readonly attempt: number;
      readonly force: boolean;
      readonly recursive: boolean;
    }
  /** A task is to come back, if it has not begun: there is another place. */
  | {
      readonly kind: 'recall';
      readonly node: NodeId;
      readonly index: number;
      readonly generation: number;
      readonly attempt: number;
    }
  /** The core may hand out so many more tasks of a line. */
  | { readonly kind: 'open'; readonly line: number; readonly window: number }
  /** The line is over, unless tasks have come. */
  | { readonly kind: 'close'; readonly line: number }
  | { readonly kind: 'request'; readonly wanted: Wanted }
  /** `settle` is wanted at this time. */
  | { readonly kind: 'wake'; readonly at: number };
