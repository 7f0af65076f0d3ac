// Runs commands for the other scripts: prints each, and stops at the first that fails.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a command in the repository; ends the process when it fails. */
export function run(command, args, env = {}) {
  console.error(`\n> ${command} ${args.join(' ')}`);
  const { status, error, signal } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    // Tools keep a cache of compiled code in the temporary folder unless told not to.
    env: { NODE_DISABLE_COMPILE_CACHE: '1', ...process.env, ...env },
  });
  if (error !== undefined) {
    console.error(`mobula: ${command} did not start: ${error.message}`);
    if (command === 'cargo') console.error('Building from source needs Rust 1.90 or later: https://rustup.rs');
    process.exit(1);
  }
  if (status !== 0) {
    console.error(`mobula: ${command} ${signal === null ? `ended with ${status}` : `was ended by ${signal}`}`);
    process.exit(status ?? 1);
  }
}

/**
 * Installs the development dependencies, if one is missing. Not `npm ci`: it refuses a lock file without the optional
 * packages of other platforms, which not every registry tells of.
 */
export function install() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const names = Object.keys({ ...dependencies, ...devDependencies });
  if (!names.every((name) => existsSync(`${root}node_modules/${name}/package.json`)))
    run('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund']);
}

/** Runs a tool of the development dependencies. */
export function tool(name, args, env) {
  run(process.execPath, [`${root}node_modules/${name}`, ...args], env);
}
