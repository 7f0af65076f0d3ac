import { BegunPage } from './begun-page.ts';
import type { Output } from './child-process.ts';
import type { Exit, HeadConfig, HeadReady, NodeConfig, NodeExit, NodeReady } from './contract.ts';
import { Supervised } from './supervised.ts';

/** What does not depend on what is started. */
export interface Setting {
  /** The file of the package that is run. */
  readonly entry: URL;
  /** Whether what dies is replaced. */
  readonly replace: boolean;
  readonly output: Output;
}

/** A head, and what it is to be told. */
export interface SupervisedHead {
  readonly head: Supervised<HeadReady>;
  /** Tells the head that a node of this machine is dead; a head that is away, when it is there again. */
  tell(exit: NodeExit): void;
}

export function superviseHead(config: HeadConfig, setting: Setting): SupervisedHead {
  let { port } = config;
  const untold: NodeExit[] = [];
  const head = new Supervised<HeadReady>({
    name: 'head',
    ...setting,
    config: () => ({ ...config, port }) satisfies HeadConfig,
    ready(told) {
      // Its nodes look for it there.
      port = told.port;
      for (const exited of untold.splice(0)) head.order({ exited });
    },
  });
  return { head, tell: (exited) => void (head.order({ exited }) || untold.push(exited)) };
}

/** What a node is told, but for what only its start shows. */
export type NodePlan = Omit<NodeConfig, 'start' | 'predecessor'>;

/** `reported`: a node that was up is dead, whoever wanted it. */
export function superviseNode(
  plan: NodePlan,
  setting: Setting,
  reported: (exit: NodeExit) => void,
): Supervised<NodeReady> {
  let nodeId: string | undefined;
  let page: BegunPage | undefined;
  let predecessor: NodeExit | undefined;
  const buried = (exit: Exit): void => {
    predecessor = { nodeId: nodeId ?? '', ...exit, ...(page !== undefined && { begun: page.read() }) };
    page?.close();
    page = undefined;
    reported(predecessor);
  };
  return new Supervised<NodeReady>({
    name: 'node',
    ...setting,
    config: (start) => ({ ...plan, start, ...(predecessor !== undefined && { predecessor }) }) satisfies NodeConfig,
    ready(told, pid) {
      ({ nodeId } = told);
      if (told.begunFd !== undefined) page = BegunPage.of(pid, told.begunFd);
    },
    reported: buried,
  });
}
