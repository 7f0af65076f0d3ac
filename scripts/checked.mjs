// Builds of the addon for tests only. Each has a folder of its own: other flags mean other artifacts.
import { copyFileSync } from 'node:fs';
import { root, run } from './run.mjs';

/** Builds the addon with the profile `checked` under `target/NAME`; gives the file that `MOBULA_BINARY` is to name. */
export function buildChecked(name, args = [], { env = {}, target } = {}) {
  const folder = `${root}target/${name}`;
  const triple = target === undefined ? [] : ['--target', target];
  run(
    'cargo',
    ['build', '--locked', '--profile', 'checked', '-p', 'mobula-native', '--target-dir', folder, ...triple, ...args],
    env,
  );
  const addon = `${folder}/mobula.node`;
  copyFileSync(`${folder}/${target === undefined ? '' : `${target}/`}checked/libmobula_native.so`, addon);
  return addon;
}
