import { entries } from './entries.ts';
import { startHead } from './head.ts';
import type { Starters } from './supervisor/group.ts';
import { how } from './supervisor/life.ts';

const STDERR = 2;

/** The processes of the package. */
export const starters: Starters = {
  head: ({ bind, port, token, dataDir, nodeTimeoutMs, reconnectMs }) => {
    const note = (line: string): void => console.error(`mobula: ${line}`);
    return startHead({ host: bind, port, token, dataDir, nodeTimeoutMs, reconnectMs, note });
  },
  tell: ({ address, token }, exit) => {
    // Its transport is loaded only when there is something to tell.
    void import('./ask-head.ts')
      .then(({ tellExit }) => tellExit(address, token, exit.nodeId, `its process ended with ${how(exit)}`))
      .catch(() => {});
  },
  node: { entry: entries.node, replace: true, output: STDERR },
};
