// The program of a node's process. Workers get its compiled code.
import { loadCode } from './compiled.ts';
import { serveSupervisor } from './supervisor/child.ts';

serveSupervisor(async (config: Parameters<typeof import('./node.ts').startNode>[0]) => {
  const { startNode } = loadCode() as typeof import('./node.ts');
  return startNode(config);
});
