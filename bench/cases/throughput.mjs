import { high } from '../lib/frames.mjs';
/** Parts that several throughput cases share. mobula counts at one worker per core, its default; rivals at their best. */

export const CORES = 2;
export const RATE = [high('rate', 'calls/s')];

const POOLS = ['piscina', 'tinypool', 'workerpool', 'poolifier', 'poolifier+queue'];
const WORKERS = [1, CORES];
const POOL_REPEATS = 3;

/** `bare, 1 worker` */
export function labelOf(system, workers) {
  return `${system}, ${workers} worker${workers === 1 ? '' : 's'}`;
}

/** The labels of a system at one worker and at one per core. */
export function labelsOf(...systems) {
  return systems.flatMap((system) => WORKERS.map((workers) => labelOf(system, workers)));
}

export const MOBULA = labelOf('mobula', CORES);
export const BARE_LABELS = labelsOf('bare');
export const POOL_LABELS = labelsOf(...POOLS);

/** A system at 1 and at 2 workers. */
export function throughputConfigs(system, parameters, extra = {}) {
  return WORKERS.map((workers) => ({
    label: labelOf(system, workers),
    program: 'throughput',
    parameters: { system, workers, ...parameters },
    ...extra,
  }));
}

/** All pools at 1 and at 2 workers. */
export function poolConfigs(parameters) {
  return POOLS.flatMap((system) => throughputConfigs(system, parameters, { repeats: POOL_REPEATS }));
}

/** How many times as fast as the best of the rivals mobula is, with a text saying who that is. */
export function ratioToBest(measures, labels) {
  const rival = measures.best(labels, 'rate');
  return [`mobula ÷ ${rival.label}`, measures.median(MOBULA, 'rate') / rival.value];
}
