import { atMost, note } from '../lib/figures.mjs';
import { low } from '../lib/frames.mjs';

export const startCases = [
  {
    name: 'first-result',
    title: "from a program's first line to its first result; a bare worker to its first message",
    repeats: 11,
    metrics: [low('ms', 'ms'), low('afterInit', 'without loading, ms')],
    configs: [
      { label: 'mobula', program: 'first-result-mobula' },
      { label: 'bare', program: 'first-result-bare' },
    ],
    figures(measures) {
      const difference = (metric) => measures.median('mobula', metric) - measures.median('bare', metric);
      return [
        atMost(25, 'mobula − bare, loading mobula included', difference('ms'), 'ms'),
        note('mobula − bare, from init()', difference('afterInit'), 'ms'),
      ];
    },
  },
];
