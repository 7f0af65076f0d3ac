import { atLeast, atMost, note } from '../lib/figures.mjs';
import { high, low, mobulaOnly } from '../lib/frames.mjs';
import { CORES, RATE } from './throughput.mjs';

const QUEUES = [
  { label: '10k queued', system: 'mobula', outstanding: 10_000 },
  { label: '1M queued', system: 'mobula', outstanding: 1_000_000 },
  { label: 'bare, 10k', system: 'bare', outstanding: 10_000 },
  { label: 'bare, 1M', system: 'bare', outstanding: 1_000_000 },
];

const millionQueued = {
  name: 'queue-1m',
  title: '1 000 000 no-op tasks submitted, then each ref got on its own, against 10 000',
  repeats: 3,
  metrics: RATE,
  configs: QUEUES.map(({ label, system, outstanding }) => ({
    label,
    program: 'throughput',
    parameters: { system, workers: CORES, body: 'noop', outstanding, maxRounds: outstanding > 10_000 ? 2 : 15 },
  })),
  figures: (measures) => [
    atLeast(
      0.7,
      'rate at 1M ÷ rate at 10k',
      measures.median('1M queued', 'rate') / measures.median('10k queued', 'rate'),
    ),
    note('bare: 1M ÷ 10k', measures.median('bare, 1M', 'rate') / measures.median('bare, 10k', 'rate')),
  ],
};

const queuedMemory = {
  name: 'queue-memory',
  title: 'memory per task while 1 000 000 wait, refs included',
  repeats: 3,
  metrics: [low('bytes', 'bytes/task'), high('submitRate', 'submitted/s'), low('drainMs', 'drain ms')],
  configs: mobulaOnly('queued-memory', { queued: 1_000_000 }, ['--expose-gc']),
  figures: (measures) => [atMost(400, 'memory per queued task', measures.median('mobula', 'bytes'), 'bytes')],
};

function itemsCase(name, title, kind, items) {
  return {
    name,
    title,
    metrics: [high('large', `items/s, one of ${items}`), high('small', `items/s, ${items / 100} of 100`)],
    configs: mobulaOnly('items', { kind, items, rounds: 15, workers: CORES }),
    figures: (measures) => [
      atLeast(
        0.7,
        `items/s: one of ${items} ÷ ${items / 100} of 100, one after another`,
        measures.medianOf('mobula', (run) => run.large / run.small),
      ),
    ],
  };
}

const gaps = {
  name: 'array-gaps',
  title: 'array of 20 000 entries at indices × 100: put and get, against structuredClone',
  metrics: [low('put', 'put ms'), low('get', 'get ms'), low('clone', 'structuredClone ms')],
  configs: mobulaOnly('gaps', { entries: 20_000, step: 100, rounds: 15 }),
  figures: (measures) => [
    atMost(
      3,
      'put and get ÷ structuredClone',
      measures.medianOf('mobula', (run) => (run.put + run.get) / run.clone),
    ),
  ],
};

const cancelAfterPeak = {
  name: 'cancel-after-peak',
  title: 'cancel of one task after 1 000 000 tasks have been, against before; 20 000 tasks aborted by one signal',
  repeats: 3,
  metrics: [
    low('before', 'cancel µs, before'),
    low('after', 'cancel µs, after'),
    low('abortMs', 'abort of 20 000, ms'),
  ],
  configs: mobulaOnly('cancels', { peak: 1_000_000, aborted: 20_000, workers: CORES }),
  figures: (measures) => [
    atMost(
      2,
      'cancel after ÷ before',
      measures.medianOf('mobula', (run) => run.after / run.before),
    ),
    atMost(
      500,
      '20 000 tasks aborted by one signal, until all are settled',
      measures.median('mobula', 'abortMs'),
      'ms',
    ),
  ],
};

const waitingActors = {
  name: 'waiting-actors',
  title: 'actors that wait for a resource that another holds: made, and killed',
  repeats: 3,
  metrics: [low('create', 'create µs'), low('drop', 'drop µs')],
  configs: [4_000, 32_000, 100_000].map((actors) => ({
    label: `${actors}`,
    program: 'waiting-actors',
    parameters: { actors },
  })),
  figures: (measures) =>
    ['4000', '32000', '100000'].flatMap((label) => [
      atMost(20, `${label}: create`, measures.median(label, 'create'), 'µs'),
      atMost(20, `${label}: drop`, measures.median(label, 'drop'), 'µs'),
    ]),
};

/** Remote functions, or sets of options, made for one call each. `MOBULA_BENCH_LONG=1`: a million. */
const ONCE = [
  { kind: 'closures', count: 100_000 },
  { kind: 'sources', count: 1_000 },
  { kind: 'options', count: 100_000 },
  { kind: 'actors', count: 1_000 },
].map((each) => (process.env.MOBULA_BENCH_LONG === '1' ? { ...each, count: each.count * 10 } : each));

const closures = {
  name: 'closures',
  title: 'closures of one source with other values, sources, sets of options and actor classes, each called once',
  repeats: 3,
  metrics: [
    low('ms', 'ms each'),
    low('grownMib', 'grown by MiB, after a collection'),
    low('peakMib', 'grown by MiB, at most'),
    low('handMs', 'vm.Script by hand, ms'),
  ],
  configs: ONCE.map(({ kind, count }) => ({
    label: `${count} ${kind}`,
    program: 'closures',
    parameters: { kind, count },
    flags: ['--expose-gc'],
  })),
  figures: (measures) =>
    ONCE.map(({ kind, count }) => ({ kind, label: `${count} ${kind}` })).flatMap(({ kind, label }) => [
      ...(kind === 'actors' ? [] : [atMost(0.5, `${label}: each`, measures.median(label, 'ms'), 'ms')]),
      atMost(50, `${label}: memory grows by`, measures.median(label, 'grownMib'), 'MiB'),
      note(
        `${label}: each ÷ vm.Script compiled and run by hand`,
        measures.medianOf(label, (run) => run.ms / run.handMs),
      ),
    ]),
};

export const cliffCases = [
  cancelAfterPeak,
  waitingActors,
  closures,
  millionQueued,
  queuedMemory,
  itemsCase('many-arguments', '10 000 refs as arguments of one task', 'arguments', 10_000),
  itemsCase('many-objects', '10 000 objects in one get', 'get', 10_000),
  itemsCase('many-returns', 'one task with 3 000 returns', 'returns', 3_000),
  gaps,
];
