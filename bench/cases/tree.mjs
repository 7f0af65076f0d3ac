import { atLeast } from '../lib/figures.mjs';
import { CORES, MOBULA, RATE } from './throughput.mjs';

const DRIVER = `${MOBULA}: submitted by the driver`;

function treeCase(name, fanOut, depth, nodes) {
  return {
    name,
    title: `tasks submitted by tasks: a tree of ${nodes} tasks, ${fanOut} children per node`,
    metrics: RATE,
    configs: [
      { label: 'tree', program: 'tree', parameters: { workers: CORES, fanOut, depth, repeats: 5 } },
      {
        label: DRIVER,
        program: 'throughput',
        parameters: { system: 'mobula', workers: CORES, body: 'noop', outstanding: 10_000 },
      },
    ],
    figures: (measures) => [
      atLeast(0.7, 'tree ÷ driver with 10k', measures.median('tree', 'rate') / measures.median(DRIVER, 'rate')),
    ],
  };
}

export const treeCases = [treeCase('tree-deep', 10, 5, 111_111), treeCase('tree-wide', 316, 2, 100_173)];
