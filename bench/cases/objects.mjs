import { atLeast, atMost, note } from '../lib/figures.mjs';
import { high, low, mobulaOnly } from '../lib/frames.mjs';
import { CORES } from './throughput.mjs';

const GET_SIZES = [
  { mib: 1, samples: 31 },
  { mib: 16, samples: 31 },
  { mib: 256, samples: 5 },
  { mib: 1024, samples: 3 },
];

const getInWorker = {
  name: 'get-in-worker',
  title: 'inside a task: get(ref) of an object new to the worker, to a readable view',
  metrics: [low('first', 'first get µs'), low('again', 'again µs')],
  configs: GET_SIZES.map(({ mib, samples }) => ({
    label: `${mib} MiB`,
    program: 'get-in-worker',
    parameters: { mib, samples },
  })),
  figures(measures) {
    const medians = GET_SIZES.map(({ mib }) => measures.median(`${mib} MiB`, 'first'));
    const slowest = Math.max(...medians);
    // Below the bound, being flat within a factor of three is noise and not asked for.
    return [
      atMost(20, 'slowest size, first get', slowest, 'µs'),
      slowest <= 20
        ? note('slowest ÷ fastest size', slowest / Math.min(...medians))
        : atMost(3, 'slowest ÷ fastest size', slowest / Math.min(...medians)),
    ];
  },
};

function sharedReadCase(name, title, step, rounds) {
  const config = (system, workers) => ({
    label: `${system}, ${workers}`,
    program: 'shared-read',
    parameters: { system, workers, step, rounds },
  });
  return {
    name,
    title,
    metrics: [low('ms', 'ms')],
    configs: [config('mobula', CORES), config('bare', CORES), config('bare', 1)],
    figures(measures) {
      const rival = measures.best([`bare, ${CORES}`, 'bare, 1'], 'ms', true);
      return [atMost(1.5, `mobula ÷ ${rival.label}`, measures.median(`mobula, ${CORES}`, 'ms') / rival.value)];
    },
  };
}

const readAgain = {
  name: 'read-again',
  title: '64 MiB that 64 tasks have read, a number from every 4096 bytes: later reads, one at a time',
  metrics: [low('first', 'first 64, ms each'), low('later', 'later, ms each')],
  configs: ['mobula', 'bare'].map((system) => ({ label: system, program: 'read-again', parameters: { system } })),
  figures: (measures) => [
    atMost(1.5, 'later: mobula ÷ bare', measures.median('mobula', 'later') / measures.median('bare', 'later')),
  ],
};

const completed = {
  name: 'as-completed',
  title: 'asCompleted of 200 000 refs that are there, against get of the list',
  metrics: [low('all', 'get ms'), low('each', 'asCompleted ms')],
  configs: mobulaOnly('as-completed', { count: 200_000, rounds: 7 }),
  figures: (measures) => [
    atMost(
      5,
      'asCompleted ÷ get',
      measures.medianOf('mobula', (run) => run.each / run.all),
    ),
  ],
};

const sharedMemory = {
  name: 'shared-memory',
  title: 'memory that 64 tasks reading one 64 MiB object add, in copies of it (put included, the source not)',
  metrics: [low('copies', 'copies')],
  configs: ['mobula', 'bare'].map((system) => ({
    label: system,
    program: 'shared-read',
    parameters: { system, workers: CORES, step: 1, memory: true },
    flags: ['--expose-gc'],
  })),
  // Five percent for what the heaps of three threads do meanwhile.
  figures: (measures) => [atMost(1.05, 'copies in memory', measures.median('mobula', 'copies'), 'copies')],
};

const put = {
  name: 'put-100mib',
  title: 'put of 100 MiB, against memcpy in the same process, GB/s',
  repeats: 7,
  metrics: [
    high('putWarm', 'put, warm'),
    high('copyWarm', 'memcpy, warm'),
    high('putNew', 'put, new store'),
    high('copyFresh', 'memcpy, fresh'),
  ],
  configs: [{ label: 'GB/s', program: 'put', parameters: { rounds: 15 }, flags: ['--expose-gc'] }],
  figures: (measures) => [
    atLeast(
      0.85,
      'put into a warm store ÷ memcpy into warm memory',
      measures.medianOf('GB/s', (run) => run.putWarm / run.copyWarm),
    ),
    atLeast(
      1.5,
      'put into a new store ÷ memcpy into fresh memory',
      measures.medianOf('GB/s', (run) => run.putNew / run.copyFresh),
    ),
  ],
};

const returnLarge = {
  name: 'return-100mib',
  title: 'a task returns 100 MiB: from the end of the function to a value in the driver',
  metrics: [low('ms', 'ms'), low('copyFresh', 'memcpy, fresh ms'), low('copyWarm', 'memcpy, warm ms')],
  configs: ['mobula plain', 'mobula allocate', 'bare clone', 'bare transfer'].map((system) => ({
    label: system,
    program: 'return-large',
    parameters: { system, rounds: 9 },
    flags: ['--expose-gc'],
  })),
  figures: (measures) => [
    atMost(
      1.2,
      'plain ÷ memcpy into fresh memory',
      measures.medianOf('mobula plain', (run) => run.ms / run.copyFresh),
    ),
    // Against the fast memcpy: a fifth of the slow one would hide a copy into warm memory.
    atMost(
      0.2,
      'allocate() ÷ memcpy into warm memory (no copy)',
      measures.medianOf('mobula allocate', (run) => run.ms / run.copyWarm),
    ),
  ],
};

export const objectCases = [
  getInWorker,
  sharedReadCase('shared-read-pages', '64 tasks read one 64 MiB object, a number from every 4096 bytes', 512, 9),
  sharedReadCase('shared-read-all', '64 tasks read one 64 MiB object, every number', 1, 3),
  readAgain,
  completed,
  sharedMemory,
  put,
  returnLarge,
];
