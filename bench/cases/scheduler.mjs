import { atLeast, note } from '../lib/figures.mjs';
import { high } from '../lib/frames.mjs';

const SIZE = { shapes: 1_000, jobs: 50, nodes: 100, slots: 64, rounds: 7, turns: 10_000 };
const config = (label, parameters) => ({ label, program: 'scheduler-slots', parameters });

export const schedulerCases = [
  {
    name: 'scheduler-slots',
    title:
      'the global scheduler: 1 000 shapes, 50 jobs, 100 nodes, 1 to 64 slots a request, a load changes before each',
    metrics: [high('rate', 'slots/s'), high('cpuRate', 'per CPU second')],
    configs: [
      // So many requests are open at once that they ask for half of what there is, for three quarters, and for one and a half times it.
      config('counted', { ...SIZE, open: 50, large: false }),
      config('three quarters', { ...SIZE, open: 80, large: false }),
      config('too many', { ...SIZE, open: 160, large: false }),
      config('large arguments', { ...SIZE, open: 0, large: true }),
    ],
    figures: (measures) => [
      atLeast(1_000_000, 'slots', measures.median('counted', 'rate'), '/s'),
      note('slots, three quarters in use', measures.median('three quarters', 'rate'), '/s'),
      note('slots, while more is asked for than there is', measures.median('too many', 'rate'), '/s'),
      atLeast(100_000, 'tasks with large arguments', measures.median('large arguments', 'rate'), '/s'),
    ],
  },
];
