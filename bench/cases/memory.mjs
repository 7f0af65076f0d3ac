import { atMost, note } from '../lib/figures.mjs';
import { low } from '../lib/frames.mjs';

const FEW = 1;
const MANY = 5;
const SYSTEMS = ['mobula', 'bare'];

export const memoryCases = [
  {
    name: 'idle-worker',
    title: `resident memory with ${FEW} and with ${MANY} idle workers; the difference per worker`,
    metrics: [low('mib', 'process MiB')],
    configs: SYSTEMS.flatMap((system) =>
      [FEW, MANY].map((workers) => ({
        label: `${system}, ${workers}`,
        program: 'idle-memory',
        parameters: { system, workers },
      })),
    ),
    figures(measures) {
      const perWorker = (system) => {
        const [few, many] = [FEW, MANY].map((workers) => measures.median(`${system}, ${workers}`, 'mib'));
        return (many - few) / (MANY - FEW);
      };
      return [
        atMost(1.25, 'mobula ÷ bare, per worker', perWorker('mobula') / perWorker('bare')),
        ...SYSTEMS.map((system) => note(`${system}, per worker`, perWorker(system), 'MiB')),
      ];
    },
  },
];
