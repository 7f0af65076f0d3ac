import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

function run(command, args, options) {
  const { status, stdout, error } = spawnSync(command, args, { cwd: root, maxBuffer: 2 ** 30, ...options });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  return stdout;
}

/**
 * A build of another commit, in `target/against/COMMIT`, with the benchmarks of this tree beside it: both builds run the same
 * programs. Gives the folder of those programs.
 */
export function programsOf(commit) {
  const name = run('git', ['rev-parse', '--verify', `${commit}^{commit}`], { encoding: 'utf8' }).trim();
  const folder = `${root}target/against/${name}`;
  if (!existsSync(`${folder}/dist/index.js`)) {
    console.log(`Building ${name.slice(0, 12)} in target/against/ …`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    run('tar', ['-x', '-C', folder], { input: run('git', ['archive', name]) });
    run(process.execPath, ['scripts/build.mjs'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  rmSync(`${folder}/bench`, { recursive: true, force: true });
  const isSource = (path) => !/\/(node_modules|results|\.venv)$/.test(path);
  cpSync(`${root}bench`, `${folder}/bench`, { recursive: true, filter: isSource });
  symlinkSync(`${root}bench/compare/node_modules`, `${folder}/bench/compare/node_modules`);
  return `${folder}/bench/programs/`;
}
