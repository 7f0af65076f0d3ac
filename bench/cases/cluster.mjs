import { atLeast } from '../lib/figures.mjs';

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
];
