// `npm run check`, which is what CI runs: format, lint, types, tests.
import { install, root, run, tool } from './run.mjs';

install();
tool('@biomejs/biome/bin/biome', ['ci', '--colors=off', '--error-on-warnings']);
run('cargo', ['fmt', '--all', '--check']);
run('cargo', [
  'clippy',
  '--locked',
  '--workspace',
  '--all-targets',
  '--exclude',
  'mobula-native',
  '--',
  '-D',
  'warnings',
]);
// The addon has no targets but itself: built for tests, its exports would look unused.
for (const features of [[], ['--features', 'failpoints']])
  run('cargo', ['clippy', '--locked', '-p', 'mobula-native', ...features, '--', '-D', 'warnings']);
run(process.execPath, [`${root}scripts/lint.mjs`]);
// Whether the API reference can be made: a public name without documentation is an error.
tool('typedoc/bin/typedoc', ['--emit', 'none']);
await import('./test.mjs');
// Models are built nowhere else: those of loom take seconds to run, those of shuttle minutes.
await import('./test-loom.mjs');
run('cargo', ['check', '--locked', '--tests', '-p', 'mobula-store', '-p', 'mobula-sched'], {
  RUSTFLAGS: '--cfg shuttle',
  CARGO_TARGET_DIR: `${root}target/shuttle`,
});
// All planted bugs of the cluster's protocols; `npm test` has those that few seeds find.
run(process.execPath, [`${root}.test-dist/test/sim/main.js`, '--bugs']);
await import('./test-install.mjs');
