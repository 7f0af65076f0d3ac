/**
 * Evolution strategies on CartPole-v1, the example of the Ray paper (section 5.3.1).
 *
 * A 64 MiB table of noise lies in the object store once; rollouts are tasks that read it in place; an actor keeps
 * the parameters. Parameters and results go from actor to task and back by reference, never through this file.
 *
 *     npm run demo -- [--seed 42] [--workers N] [--max-iterations 300] [--seconds 4]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { init, shutdown } from 'mobula';
import { storeNoise } from './evolution-strategies/noise.ts';
import { ProgressLine } from './evolution-strategies/report.ts';
import { measureEpisodesPerSecond } from './evolution-strategies/throughput.ts';
import { GOAL, type TrainingResult, train } from './evolution-strategies/train.ts';

interface DemoOptions {
  readonly seed: number;
  readonly workers: number;
  readonly maxIterations: number;
  readonly seconds: number;
}

function readOptions(): DemoOptions {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '42' },
      workers: { type: 'string', default: String(availableParallelism()) },
      'max-iterations': { type: 'string', default: '300' },
      seconds: { type: 'string', default: '4' },
    },
  });
  const options = {
    seed: Number(values.seed),
    workers: Number(values.workers),
    maxIterations: Number(values['max-iterations']),
    seconds: Number(values.seconds),
  };
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isInteger(value) || value < (name === 'seed' ? 0 : 1)) throw new RangeError(`--${name}: not a count`);
  }
  return options;
}

async function runTraining({ seed, workers, maxIterations }: DemoOptions): Promise<TrainingResult> {
  const started = performance.now();
  await init({ numCpus: workers });
  try {
    const noise = storeNoise(seed);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`CartPole-v1 with evolution strategies on ${workers} workers, seed ${seed}`);
    console.log(`64 MiB of noise are in the object store (${seconds} s)\n`);
    const progress = new ProgressLine(process.stdout);
    return await train({
      noise,
      seed,
      maxIterations,
      onProgress: (iteration, evaluation) => progress.show(iteration, evaluation),
    });
  } finally {
    await shutdown();
  }
}

async function compareWorkers({ seed, workers, seconds }: DemoOptions, parameters: Float32Array): Promise<void> {
  console.log('\nThe same work on 1 worker and on all (the runtime is started anew with numCpus 1, then with all):');
  const one = await measureEpisodesPerSecond(1, parameters, seed, seconds);
  console.log(`   1 worker    ${Math.round(one)} episodes/s`);
  const all = await measureEpisodesPerSecond(workers, parameters, seed, seconds);
  console.log(`   ${workers} workers   ${Math.round(all)} episodes/s   (${(all / one).toFixed(2)} times as many)`);
}

const options = readOptions();
const result = await runTraining(options);
if (result.solved) {
  console.log(`\nSolved after ${result.iterations} iterations: mean return ${result.mean} over 100 fresh episodes.`);
} else {
  console.log(`\nNot solved in ${result.iterations} iterations: ${result.mean} over 100 fresh episodes, not ${GOAL}.`);
  process.exitCode = 1;
}
await compareWorkers(options, result.parameters);
