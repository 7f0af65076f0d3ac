// `npm run test:loom`: runs the models of the lock-free code in every interleaving. Arguments after `--` choose models.
import { root, run } from './run.mjs';

const models = process.argv.slice(2);
const env = {
  RUSTFLAGS: '--cfg loom',
  // Two switches of thread at places of loom's choice find nearly all races, in seconds instead of hours.
  LOOM_MAX_PREEMPTIONS: process.env.LOOM_MAX_PREEMPTIONS ?? '2',
  // Other flags mean other artifacts: they would throw out those of the usual build.
  CARGO_TARGET_DIR: `${root}target/loom`,
};
run('cargo', ['test', '--locked', '--release', '-p', 'mobula-queue', '--test', 'loom', '--', ...models], env);
// The states of tasks and objects are the scheduler's own, so their models lie in it.
run(
  'cargo',
  [
    'test',
    '--locked',
    '--release',
    '-p',
    'mobula-sched',
    '--lib',
    '--',
    ...(models.length > 0 ? models : ['models::']),
  ],
  env,
);
