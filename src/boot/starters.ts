import { entries } from './entries.ts';
import { startHead } from './head.ts';
import { reportExit } from './report-exit.ts';
import type { Starters } from './supervisor/group.ts';

const STDERR = 2;

/** The processes of the package. */
export const starters: Starters = {
  head: ({ bind, port, token, dataDir, nodeTimeoutMs, reconnectMs }) => {
    const note = (line: string): void => console.error(`mobula: ${line}`);
    return startHead({ host: bind, port, token, dataDir, nodeTimeoutMs, reconnectMs, note });
  },
  tell: (head, exit) => void reportExit(head, exit),
  node: { entry: entries.node, replace: true, output: STDERR },
};
