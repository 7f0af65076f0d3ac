/** Bugs that can be switched on in this protocol. Each is one that a real store has had, or nearly. */
export const bugs = [
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
  'lease forgotten at restart',
  'lease timer not cancelled',
  'two leases',
  // These were not planted: the simulator found them here.
  'expired lease renewed',
  'recovered records released at once',
  'old subscription kept',
  'late subscription believed',
  // The replica.
  'lease counted from receipt',
  'lease not checked after a pause',
  'stale read after restart',
  'event of an old channel believed',
  'old snapshot taken',
  // The client.
  'resent out of order',
  'resent under a new number',
  'late answer believed',
] as const;

export type Bug = (typeof bugs)[number];
