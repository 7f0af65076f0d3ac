import { atLeast, atMost } from '../lib/figures.mjs';
import { high, low } from '../lib/frames.mjs';

const gcs = (disk, perFrame) => ({
  label: `${disk ? 'disk' : 'memory'}, ${perFrame} a frame`,
  program: 'gcs-process',
  parameters: {
    disk,
    perFrame,
    records: 50_000,
    writes: Math.min(200_000, 20_000 * perFrame),
    rounds: 5,
    outstanding: 10,
  },
});

/** Cases of several processes: `npm run bench -- --cluster`. */
export const clusterCases = [
  {
    name: 'gcs-process',
    title:
      'a GCS shard, client in another process: keys of 25 bytes, values of 512, each write answered, one read back in 100',
    metrics: [
      { key: 'rate', name: 'writes/s', better: 'high' },
      { key: 'clientUs', name: 'client CPU µs', better: 'low' },
      { key: 'shardUs', name: 'shard CPU µs', better: 'low' },
    ],
    configs: [gcs(false, 64), gcs(true, 64), gcs(false, 1), gcs(true, 1)],
    repeats: 3,
    figures: (measures) => [
      atLeast(200_000, 'writes in memory, 64 a frame', measures.median('memory, 64 a frame', 'rate'), '/s'),
      atLeast(100_000, 'writes on disk, 64 a frame', measures.median('disk, 64 a frame', 'rate'), '/s'),
    ],
  },
  {
    name: 'tasks-to-node',
    title:
      'tasks from a driver without CPUs to a node of one: 10 000 outstanding, one at a time, each with the result of the one before',
    metrics: [
      high('rate', 'tasks/s'),
      low('p50', 'p50 µs'),
      low('p99', 'p99 µs'),
      low('chainUs', 'µs a dependent task'),
      low('driverUs', 'driver CPU µs'),
      low('nodeUs', 'node CPU µs'),
      low('wakes', 'wake-ups a task'),
    ],
    configs: [
      { label: 'mobula', program: 'cluster-tasks', parameters: {} },
      { label: 'mobula, one machine', program: 'chain', parameters: {} },
      { label: 'bare ws', program: 'transport-echo', parameters: { system: 'bare ws' } },
      { label: 'tinypool, processes', program: 'process-pool', parameters: { system: 'tinypool' } },
      { label: 'workerpool, processes', program: 'process-pool', parameters: { system: 'workerpool' } },
      { label: 'Ray', program: 'ray-tasks', parameters: {} },
    ],
    repeats: 3,
    figures(measures) {
      const pools = measures.best(['tinypool, processes', 'workerpool, processes'], 'rate');
      const ratio = (rival, metric) => measures.median('mobula', metric) / measures.median(rival, metric);
      return [
        atLeast(4, `rate: mobula ÷ ${pools.label}`, measures.median('mobula', 'rate') / pools.value),
        atLeast(60, 'rate: mobula ÷ Ray', ratio('Ray', 'rate')),
        atMost(2.5, 'p50: mobula ÷ bare ws', ratio('bare ws', 'p50')),
        atMost(0.25, 'p50: mobula ÷ Ray', ratio('Ray', 'p50')),
        atMost(3, 'dependent: mobula ÷ one machine', ratio('mobula, one machine', 'chainUs')),
      ];
    },
  },
  {
    name: 'cluster-tree',
    title:
      'a tree of 111 111 tasks, and 10 000 tasks of 2 µs of one task: on two nodes of one CPU, and on one node of two',
    metrics: [
      high('rate', 'tasks/s'),
      high('least', '% at the node with fewer'),
      low('forwarded', '% forwarded'),
      low('burst', 'of the burst forwarded'),
    ],
    configs: [
      { label: 'two nodes', program: 'cluster-tree', parameters: { nodes: [1, 1] } },
      { label: 'one node of two', program: 'cluster-tree', parameters: { nodes: [2] } },
    ],
    repeats: 3,
    figures(measures) {
      const two = (metric) => measures.median('two nodes', metric);
      return [
        atLeast(0.8, 'tree: two nodes ÷ one node', two('rate') / measures.median('one node of two', 'rate')),
        atLeast(40, 'tasks at the node with fewer', two('least'), '%'),
        atMost(5, 'tasks of the tree forwarded', two('forwarded'), '%'),
        atMost(0, 'tasks of 2 µs forwarded', two('burst'), ''),
      ];
    },
  },
  {
    name: 'cluster-large',
    title: 'arrays of 8 MiB between a driver and a node of another process, 16 outstanding',
    metrics: [low('resultMs', 'ms a result'), low('argumentMs', 'ms an argument'), low('sharedMs', 'ms, one for all')],
    configs: [
      { label: 'mobula', program: 'cluster-large', parameters: {} },
      { label: 'tinypool, processes', program: 'process-pool-large', parameters: {} },
    ],
    repeats: 3,
    figures(measures) {
      const ratio = (metric) => measures.median('tinypool, processes', metric) / measures.median('mobula', metric);
      return [
        atLeast(2, 'results: tinypool ÷ mobula', ratio('resultMs')),
        atLeast(2, 'arguments: tinypool ÷ mobula', ratio('argumentMs')),
        atLeast(10, 'one for all: tinypool ÷ mobula', ratio('sharedMs')),
      ];
    },
  },
  {
    name: 'cluster-writes',
    title: 'writes to the control store while 1 000 and 100 000 tasks of a driver run on a node',
    metrics: [low('ofFew', 'during 1 000'), low('ofMany', 'during 100 000'), low('difference', 'difference')],
    configs: [{ label: 'mobula', program: 'cluster-writes', parameters: {} }],
    repeats: 1,
    figures: (measures) => [atMost(0, 'writes of 99 000 tasks', measures.median('mobula', 'difference'))],
  },
  {
    name: 'cluster-idle',
    title: 'a head, three nodes and a driver that have nothing to do, for ten minutes: the process that takes most',
    metrics: [low('cpuPercent', '% of a core'), low('grownMib', 'MiB grown')],
    configs: [{ label: 'mobula', program: 'cluster-idle', parameters: {}, timeoutMs: 720_000 }],
    repeats: 1,
    figures: (measures) => [
      atMost(1, 'CPU of the busiest process', measures.median('mobula', 'cpuPercent'), '%'),
      atMost(2, 'memory of the one that grows most', measures.median('mobula', 'grownMib'), ' MiB'),
    ],
  },
];
