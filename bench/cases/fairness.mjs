import { atLeast, atMost } from '../lib/figures.mjs';
import { high, low, mobulaOnly } from '../lib/frames.mjs';
import { CORES } from './throughput.mjs';

const taskKinds = {
  name: 'task-kinds',
  title: 'no-op tasks of other kinds than plain ones, 10 000 outstanding, each ref got on its own',
  metrics: [
    high('plain', 'plain/s'),
    high('limit', 'timeoutMs/s'),
    high('priority', 'priority/s'),
    high('half', '0.5 CPU/s'),
  ],
  configs: [
    {
      label: 'mobula',
      program: 'task-kinds',
      parameters: {
        workers: CORES,
        outstanding: 10_000,
        rounds: 15,
        kinds: { limit: { timeoutMs: 60_000 }, priority: { priority: 1 }, half: { numCpus: 0.5 } },
      },
    },
  ],
  figures: (measures) =>
    [
      ['limit', 'timeoutMs'],
      ['priority', 'priority'],
      ['half', '0.5 CPU'],
    ].map(([key, text]) =>
      atLeast(
        0.8,
        `${text} ÷ plain`,
        measures.medianOf('mobula', (run) => run[key] / run.plain),
      ),
    ),
};

const fairTurns = {
  name: 'fair-turns',
  title: 'a task of the driver while every CPU has tasks that resubmit themselves, 1 ms each',
  metrics: [low('turns', 'turns'), low('most', 'most turns')],
  configs: mobulaOnly('fairness', { workers: CORES, rounds: 50, limitMs: 10_000 }),
  figures: (measures) => [atMost(20, 'turns until it begins', measures.median('mobula', 'turns'), '')],
};

const submitThenCompute = {
  name: 'submit-then-compute',
  title: 'as many tasks as CPUs are submitted, then the driver computes for a while: until the last has begun',
  metrics: [low('delay', 'ms'), low('most', 'most ms')],
  configs: mobulaOnly('submit-then-compute', { workers: CORES, rounds: 15, computeMs: 100 }),
  figures: (measures) => [atMost(5, 'until the last has begun', measures.median('mobula', 'delay'), 'ms')],
};

export const fairnessCases = [taskKinds, fairTurns, submitThenCompute];
