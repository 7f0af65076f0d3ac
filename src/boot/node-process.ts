// The program of a node's process. Workers get its compiled code.
import { part } from '../common/bundle.ts';
import { serveSupervisor } from './supervisor/child.ts';

serveSupervisor(async (config: Parameters<typeof import('./node.ts').startNode>[0]) => {
  const { startNode } = part('cluster') as typeof import('./node.ts');
  return startNode(config);
});
