// `npm run test:shuttle`: runs the store and the scheduler in orders of shuttle's choice. Arguments after `--` choose
// models; MOBULA_SHUTTLE_ITERATIONS and MOBULA_SHUTTLE_SEED say how many orders, and which.
import { root, run } from './run.mjs';

const models = process.argv.slice(2);
const packages = ['-p', 'mobula-store', '-p', 'mobula-sched'];
run('cargo', ['test', '--locked', '--release', ...packages, '--test', 'shuttle', '--', '--test-threads=1', ...models], {
  RUSTFLAGS: '--cfg shuttle',
  CARGO_TARGET_DIR: `${root}target/shuttle`,
});
