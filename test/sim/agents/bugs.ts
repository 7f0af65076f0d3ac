/** Bugs that can be switched on in this protocol. The steps are those that ship: a bug is in what is around them. */
const quickBugs = [
  // The submitting half.
  'lost attempt repeated twice',
  'window counted down twice',
  'follower sent to another node',
  'grant of a dead node used',
  'line closed with tasks out',
  'answer settles a task that was cancelled',
  // The executing half.
  'answer before its maker',
  'results never let go',
  'settled counts twice',
  'runs of a dead peer kept',
  'fetched results kept',
  'task taken back that has begun',
  // Values that are fetched.
  'results let go before they were fetched',
  'copies kept that nobody names',
  // Results that stay.
  'results that stay never dropped',
  'copies kept of what stays elsewhere',
  // Sessions.
  'frame that came twice delivered twice',
  'first frame on a new link dropped',
  'session with the dead goes on',
  // The head.
  'jobs of a dead driver go on',
] as const;

/** These need faults that fit: they are found in one seed of some twenty to two hundred. */
export const rareBugs = [
  'attempt lost with its node is free',
  'cancel lost behind a held run',
  'nobody complains',
  'error handed out as a value',
] as const;

export const bugs = [...quickBugs, ...rareBugs] as const;

export type Bug = (typeof bugs)[number];
