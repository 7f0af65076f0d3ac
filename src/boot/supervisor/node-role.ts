import { BegunPage } from './begun-page.ts';
import type { Exit, NodeConfig, NodeExit, NodeReady } from './contract.ts';
import { tellHead } from './exits.ts';
import { type Setting, Supervised } from './supervised.ts';

/** What a node is told, but for what only its start shows. */
export type NodePlan = Omit<NodeConfig, 'start'>;

/** Keeps a node running, and tells the head when it is dead. `reported`: one that was up is dead, whoever wanted it. */
export function superviseNode(
  plan: NodePlan,
  setting: Setting,
  reported: (exit: NodeExit) => void,
): Supervised<NodeReady> {
  let nodeId = '';
  let page: BegunPage | undefined;
  return new Supervised<NodeReady>({
    name: 'node',
    ...setting,
    config: (start) => ({ ...plan, start }) satisfies NodeConfig,
    ready(told, pid) {
      ({ nodeId } = told);
      if (told.begunFd !== undefined) page = BegunPage.of(pid, told.begunFd);
    },
    reported(exit: Exit) {
      const ended: NodeExit = { nodeId, ...exit, begun: page?.read() };
      page?.close();
      page = undefined;
      void tellHead(plan, ended);
      reported(ended);
    },
  });
}
