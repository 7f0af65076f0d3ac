import { MAX_TRIES } from '../core/values/collector.ts';
import type { NetEnd } from '../native/addon.ts';

/** Milliseconds before the first repetition of a fetch that broke, and before any. */
const FIRST_MS = 20;
const LONGEST_MS = 1000;
/** So often in a row may a connection break, or a checksum be wrong, before a whole range has come. */
const MOST_BREAKS = 60;

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
  /** Bytes that have come, by all fetches together. */
  got: number;
  /** How often it was tried again since something came. */
  waits: number;
  /** Since when the node cannot be reached. */
  awaySince?: number | undefined;
  /** How often it broke since something came. */
  breaks: number;
  /** Since when the node has no room to read it from its disk. */
  busySince?: number | undefined;
  /** How often there was no room here. */
  rooms: number;
}

/** How `end` ends a fetch. `reachMs`: for how long a node may not be reached. Changes `tries`. */
export function judge(
  { kind, got }: Pick<NetEnd, 'kind' | 'got'>,
  tries: Tries,
  now: number,
  reachMs: number,
): Verdict {
  if (got > tries.got) Object.assign(tries, { waits: 0, breaks: 0, busySince: undefined });
  // A copy with a wrong checksum is dropped.
  tries.got = kind === 10 ? 0 : Math.max(got, tries.got);
  // Whatever it is but that: the node was reached.
  if (kind > 4) tries.awaySince = undefined;
  switch (kind) {
    case 0:
      return { kind: 'here' };
    case 6:
    case 9:
      return { kind: 'apart' };
    case 7:
      return { kind: 'lost' };
    case 8:
      tries.busySince ??= now;
      return now - tries.busySince < reachMs ? again(tries) : { kind: 'no-room' };
    case 11:
    case 12:
      tries.rooms += 1;
      return { kind: tries.rooms > MAX_TRIES ? 'no-room' : 'make-room' };
    case 13:
      return { kind: 'over' };
    case 5:
    case 10:
      tries.breaks += 1;
      return tries.breaks <= MOST_BREAKS ? again(tries) : { kind: 'apart' };
    default:
      tries.awaySince ??= now;
      return now - tries.awaySince < reachMs ? again(tries) : { kind: 'apart' };
  }
}

function again(tries: Tries): Verdict {
  tries.waits += 1;
  return { kind: 'again', ms: Math.min(FIRST_MS * 2 ** (tries.waits - 1), LONGEST_MS) };
}
