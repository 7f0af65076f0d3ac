/** Bugs that can be switched on in this protocol. Each is one that a real store has had, or nearly. */
const quickBugs = [
  // The writer.
  'no dedup',
  'sessions forgotten at restart',
  'acknowledged before the sync',
  'full disk ignored',
  'torn tail kept',
  'events before the commit',
  'hole in a subscription',
  'completion record dropped early',
  'released without the lease holder',
  'lease timer not cancelled',
  'two leases',
  // The replica.
  'lease not checked after a pause',
  'stale read after restart',
  // The client.
  'resent out of order',
  'resent under a new number',
  'late answer believed',
] as const;

/** These need two or three faults that fit: they are found in one seed of some fifty to two hundred. */
export const rareBugs = [
  // The writer.
  'failed sync tried again',
  'expired lease renewed',
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
