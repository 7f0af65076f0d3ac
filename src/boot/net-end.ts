import type { NetEnd } from '../native/addon.ts';

/** Milliseconds before the first repetition of a fetch that broke, and before any. */
const FIRST_MS = 20;
const LONGEST_MS = 1000;

/** What becomes of a fetch. */
export type Verdict =
  | { readonly kind: 'here' }
  /** The same once more, after so many milliseconds. */
  | { readonly kind: 'again'; readonly ms: number }
  /** The same, once there is room here. */
  | { readonly kind: 'make-room' }
  | { readonly kind: 'no-room' | 'lost' }
  /** The node does not keep to the protocol, or cannot be reached: one of the two nodes has to go. */
  | { readonly kind: 'apart' }
  /** Nobody hears of it: this node stops. */
  | { readonly kind: 'over' };

/** What has come of a fetch before. */
export interface Tries {
  /** How often it has failed since it last got on. */
  count: number;
  /** When it failed first since then. */
  since: number;
}

/** How `end` ends a fetch. `reachMs`: for how long a node may not be reached. Changes `tries`. */
export function judge(
  { kind, got }: Pick<NetEnd, 'kind' | 'got'>,
  tries: Tries,
  now: number,
  reachMs: number,
): Verdict {
  if (kind === 0) return { kind: 'here' };
  if (kind === 6 || kind === 9) return { kind: 'apart' };
  if (kind === 7) return { kind: 'lost' };
  if (kind === 13) return { kind: 'over' };
  if (tries.count === 0 || got > 0) {
    tries.count = 0;
    tries.since = now;
  }
  tries.count += 1;
  if (kind === 11 || kind === 12) return { kind: tries.count > MOST_ROOM_TRIES ? 'no-room' : 'make-room' };
  if (now - tries.since < reachMs)
    return { kind: 'again', ms: Math.min(FIRST_MS * 2 ** (tries.count - 1), LONGEST_MS) };
  // It can be reached, and has no room to read it from its disk.
  return { kind: kind === 8 ? 'no-room' : 'apart' };
}

/** So often is tried to make room here. */
const MOST_ROOM_TRIES = 12;
