import { atLeast } from '../lib/figures.mjs';
import { high } from '../lib/frames.mjs';

const config = (perFrame, log) => ({
  label: `${perFrame} a frame${log ? ', log' : ''}`,
  program: 'gcs-shard',
  parameters: { perFrame, records: 50_000, rounds: 7, frames: Math.min(20_000, Math.round(100_000 / perFrame)), log },
});

export const gcsCases = [
  {
    name: 'gcs-shard',
    title:
      'a GCS shard as a step in this process: keys of 25 bytes, values of 512, each frame answered, one read in 100',
    metrics: [high('rate', 'ops/s'), high('cpuRate', 'per CPU second')],
    configs: [config(64, false), config(64, true), config(1, false), config(8, false), config(256, false)],
    figures: (measures) => [atLeast(400_000, 'ops, 64 a frame', measures.median('64 a frame', 'rate'), '/s')],
  },
];
