import { atLeast, note } from '../lib/figures.mjs';
import { CORES, labelOf, RATE } from './throughput.mjs';

const OUTSTANDING = 10_000;
const ACTOR = labelOf('mobula actor', CORES);
const PAIRS = { pairs: CORES, rounds: 10, outstanding: OUTSTANDING, repeats: 5 };
const LAYOUTS = ['crossed', 'apart'];

const pipelined = {
  name: 'actor-10k',
  title: 'calls of one actor, 10 000 outstanding, each ref got on its own',
  metrics: RATE,
  configs: [
    {
      label: ACTOR,
      program: 'throughput',
      parameters: { system: 'mobula actor', workers: CORES, outstanding: OUTSTANDING },
    },
    { label: 'bare object', program: 'throughput', parameters: { system: 'bare object', outstanding: OUTSTANDING } },
  ],
  figures: (measures) => [
    atLeast(1.5, 'mobula ÷ bare object', measures.median(ACTOR, 'rate') / measures.median('bare object', 'rate')),
  ],
};

const severalToSeveral = {
  name: 'actor-n-to-n',
  title: '2 tasks call 2 actors, 10 000 outstanding each; bare: 2 workers call objects in 2 others, or in each other',
  metrics: RATE,
  configs: [
    { label: 'mobula', program: 'n-to-n-mobula', parameters: PAIRS },
    ...LAYOUTS.map((layout) => ({
      label: `bare, ${layout}`,
      program: 'n-to-n-bare',
      parameters: { ...PAIRS, layout },
    })),
  ],
  figures(measures) {
    const rival = measures.best(
      LAYOUTS.map((layout) => `bare, ${layout}`),
      'rate',
    );
    return [
      atLeast(1.5, `mobula ÷ ${rival.label}`, measures.median('mobula', 'rate') / rival.value),
      note('calls/s', measures.median('mobula', 'rate'), '/s'),
    ];
  },
};

export const actorCases = [pipelined, severalToSeveral];
