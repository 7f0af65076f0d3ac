import { notBuilt } from '../common/options.ts';
import { entries } from './entries.ts';
import type { Starters } from './supervisor/group.ts';

const STDERR = 2;

/** The processes of the package. */
export const starters: Starters = {
  head: async () => {
    throw notBuilt('head', true, 'Leave it out.');
  },
  node: { entry: entries.node, replace: true, output: STDERR },
};
