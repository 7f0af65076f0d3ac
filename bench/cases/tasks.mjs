import { atLeast, note } from '../lib/figures.mjs';
import { BARE_LABELS, MOBULA, POOL_LABELS, poolConfigs, RATE, ratioToBest, throughputConfigs } from './throughput.mjs';

function taskCase({ name, title, body, outstanding, pools = true, bareBound, poolBound }) {
  const parameters = { body, outstanding };
  return {
    name,
    title,
    metrics: RATE,
    configs: [
      ...throughputConfigs('mobula', parameters),
      ...throughputConfigs('bare', parameters),
      ...(pools ? poolConfigs(parameters) : []),
    ],
    figures(measures) {
      const figures = [atLeast(bareBound, ...ratioToBest(measures, BARE_LABELS))];
      if (poolBound !== undefined) figures.push(atLeast(poolBound, ...ratioToBest(measures, POOL_LABELS)));
      else if (pools) figures.push(note(...ratioToBest(measures, POOL_LABELS)));
      if (body === 'noop') figures.push(note('aim: 1 000 000 tasks/s', measures.median(MOBULA, 'rate'), '/s'));
      return figures;
    },
  };
}

export const taskCases = [
  taskCase({
    name: 'noop-10k',
    title: 'no-op tasks, 10 000 outstanding, each ref got on its own',
    body: 'noop',
    outstanding: 10_000,
    bareBound: 1.5,
  }),
  taskCase({
    name: 'noop-100k',
    title: 'no-op tasks, 100 000 outstanding, each ref got on its own',
    body: 'noop',
    outstanding: 100_000,
    bareBound: 1.5,
    poolBound: 6,
  }),
  taskCase({
    name: 'object-10k',
    title: 'tasks with a 5-field object in and out, 10 000 outstanding',
    body: 'object',
    outstanding: 10_000,
    bareBound: 1.4,
  }),
  taskCase({
    name: 'object-100k',
    title: 'tasks with a 5-field object in and out, 100 000 outstanding',
    body: 'object',
    outstanding: 100_000,
    pools: false,
    bareBound: 1.4,
  }),
];
