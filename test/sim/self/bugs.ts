/** Bugs that can be switched on in this protocol. Each is one that a real store has had, or nearly. */
const quickBugs = [
  // The writer.
  'no dedup',
  'sessions forgotten at restart',
  'acknowledged before the sync',
  'failed sync tried again',
  'full disk ignored',
  'torn tail kept',
  'events before the commit',
  'hole in a subscription',
  'completion record dropped early',
  'released without the lease holder',
  'lease timer not cancelled',
  'two leases',
  'expired lease renewed',
  // The replica.
  'lease not checked after a pause',
  'stale read after restart',
  'lease of an earlier life believed',
  // The client.
  'resent out of order',
  'resent under a new number',
  'late answer believed',
] as const;

/** These need two or three faults that fit, so some hundred seeds. */
export const rareBugs = [
  // The writer.
  'lease forgotten at restart',
  'recovered records released at once',
  'late subscription believed',
  'timer cancelled with its work',
  // The replica.
  'lease counted from receipt',
  'event of an old channel believed',
  'old snapshot taken',
] as const;

export const bugs = [...quickBugs, ...rareBugs] as const;

export type Bug = (typeof bugs)[number];
