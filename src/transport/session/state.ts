import type { CloseCode } from '../ports.ts';

/** Memory of messages that a peer has not acknowledged, in bytes. No more are taken beyond that. */
export const UNACKNOWLEDGED_BYTES: number = 3 << 20;
/** HELD is taken beyond that, up to here: a peer that leaves even those unread loses the session. */
export const HELD_BYTES: number = 4 << 20;
/** What a message that waits costs beside its bytes. */
export const MESSAGE_COST = 200;
/** From here on a sender is asked to wait. */
export const SESSION_WAIT_BYTES: number = 1 << 20;
/** What has come is acknowledged by the next message that goes back, or alone after so many messages, bytes or milliseconds. */
export const ACK_MESSAGES = 32;
export const ACK_BYTES: number = 256 << 10;
export const ACK_MS = 20;
/** A link on which nothing is acknowledged or opened for so long is given up. */
export const SILENT_MS = 5000;
/** Waits between attempts to dial grow from the first to the second. */
export const RETRY_MS: readonly [first: number, longest: number] = [10, 1000];

/** What a numbered message is. */
export const kinds = { plain: 0, withRefs: 1, held: 2 } as const;

/** A channel to a peer, as far as sessions need it. */
export interface Link {
  readonly id: number;
  readonly peer: string;
  /** Whether this node dialed. */
  readonly dialed: boolean;
  /** The dialer's count of its channels for the session. */
  readonly dial: number;
  /** When it came up. */
  readonly since: number;
  /** Whether the peer's OPEN has come. */
  opened: boolean;
}

/** What two nodes have said to one another since they met, and not acknowledged. It lives as long as both. */
export interface Session {
  readonly peer: string;
  /** The link that serves: OPEN has gone both ways. */
  link: Link | undefined;
  /** A link that this node dialed, and whose OPEN the peer has not answered. */
  pending: Link | undefined;
  /** Whether the edge is dialing. */
  dialing: boolean;
  /** How many links this node has dialed; the highest count that came from the peer. */
  dials: number;
  seen: number;
  /** Attempts to dial since a link served, and when the next one is due. */
  attempts: number;
  retryAt: number;
  /** Since when the peer has acknowledged nothing of what it was sent, and how often links to it have failed since. */
  waitsSince: number;
  failures: number;
  /** The number of the last message taken for the peer, and of the last one it has acknowledged. */
  last: number;
  acknowledged: number;
  /** Frames of the messages between the two, in order. */
  readonly unacknowledged: Uint8Array[];
  unacknowledgedBytes: number;
  /** Whether the owner waits for `go`. */
  waiting: boolean;
  /** When the peer last acknowledged something, or had nothing to acknowledge. */
  progressAt: number;
  /** The number of the last message that came, of the last one acknowledged to the peer, and the bytes between the two. */
  received: number;
  told: number;
  untoldBytes: number;
  /** When what has come must be acknowledged; infinite: nothing is due. */
  tellAt: number;
  /** Messages with refs that came and whose refs the owner does not hold yet. */
  readonly toHold: Set<number>;
  /** Messages with refs that were sent, and whose HELD has not come. */
  readonly unheld: Set<number>;
}

/** The sessions of one node. */
export interface Sessions {
  readonly self: string;
  readonly live: Map<string, Session>;
  /** Sessions that have ended, and why. Neither they nor another one of the same two nodes begins again. */
  readonly ended: Map<string, string>;
  /** Nodes known to be dead. */
  readonly dead: Set<string>;
  readonly links: Map<number, Link>;
  /** A peer that acknowledges nothing for so long, however often it is tried, is out of reach: the session ends. */
  reachMs: number;
}

export type SessionEvent =
  /** The owner sends; `withRefs`: HELD is wanted. */
  | { readonly type: 'send'; readonly to: string; readonly body: Uint8Array; readonly withRefs: boolean }
  /** The owner holds the refs of a message that was delivered. */
  | { readonly type: 'hold'; readonly from: string; readonly n: number }
  /** A channel is up and its peer proven. */
  | { readonly type: 'connected'; readonly link: number; readonly peer: string; readonly dialed: boolean }
  | { readonly type: 'frame'; readonly link: number; readonly bytes: Uint8Array }
  | { readonly type: 'closed'; readonly link: number; readonly code: CloseCode; readonly text: string }
  | { readonly type: 'dialFailed'; readonly to: string }
  /** The authority says that a node is dead. */
  | { readonly type: 'dead'; readonly node: string }
  /** The owner ends a session. */
  | { readonly type: 'end'; readonly peer: string; readonly text: string }
  /** The time of a `wake` has come. */
  | { readonly type: 'woken' };

export type SessionEffect =
  | { readonly type: 'transmit'; readonly link: number; readonly frame: Uint8Array }
  | { readonly type: 'close'; readonly link: number; readonly code: CloseCode; readonly text: string }
  | { readonly type: 'dial'; readonly to: string }
  /** Give `woken` at that time, or before. */
  | { readonly type: 'wake'; readonly at: number }
  /** A message came, once and in order. Its bytes are valid until the effect has been carried out. */
  | {
      readonly type: 'deliver';
      readonly from: string;
      readonly n: number;
      readonly body: Uint8Array;
      readonly withRefs: boolean;
    }
  /** The message that was just sent has that number: its refs are kept until `held`. */
  | { readonly type: 'numbered'; readonly to: string; readonly n: number }
  /** The peer holds the refs of message `n`. */
  | { readonly type: 'held'; readonly by: string; readonly n: number }
  /** The message was not taken: the session has ended, or has no room until `go`. */
  | { readonly type: 'refused'; readonly to: string; readonly why: 'full' | 'ended'; readonly text: string }
  /** The message was taken, but send no more until `go`. */
  | { readonly type: 'wait'; readonly to: string }
  | { readonly type: 'go'; readonly to: string }
  /** Nothing more comes from that node, and what it has not acknowledged may not have come there. */
  | { readonly type: 'ended'; readonly peer: string; readonly text: string };

/** What a step adds its effects to. */
export type Effects = SessionEffect[];

export function sessionsOf(self: string): Sessions {
  return {
    self,
    live: new Map(),
    ended: new Map(),
    dead: new Set(),
    links: new Map(),
    reachMs: Number.POSITIVE_INFINITY,
  };
}

export function newSession(peer: string): Session {
  return {
    peer,
    link: undefined,
    pending: undefined,
    dialing: false,
    dials: 0,
    seen: 0,
    attempts: 0,
    retryAt: Number.POSITIVE_INFINITY,
    waitsSince: 0,
    failures: 0,
    last: 0,
    acknowledged: 0,
    unacknowledged: [],
    unacknowledgedBytes: 0,
    waiting: false,
    progressAt: 0,
    received: 0,
    told: 0,
    untoldBytes: 0,
    tellAt: Number.POSITIVE_INFINITY,
    toHold: new Set(),
    unheld: new Set(),
  };
}
