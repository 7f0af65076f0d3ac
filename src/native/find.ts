import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MobulaError } from '../common/errors.ts';
import { version } from '../common/version.ts';
import type { Addon } from './addon.ts';
import type { Attempt, Source } from './attempt.ts';
import { explain } from './explain.ts';
import { isNodeSupported, nodeFloor, platform } from './platform.ts';

const require = createRequire(import.meta.url);

/** Names a binary to load, and no other. */
export const BINARY_VARIABLE = 'MOBULA_BINARY';

/** A binary that loaded. */
export interface Found {
  readonly addon: Addon;
  readonly source: Source;
  readonly path: string;
}

/** The places to look in, in this order. */
function places(): readonly (readonly [Source, string])[] {
  const asked = process.env[BINARY_VARIABLE];
  if (asked !== undefined && asked !== '') return [['environment', isAbsolute(asked) ? asked : resolve(asked)]];
  const name = platform();
  return [
    ['clone', fileURLToPath(new URL(`../../native/mobula.${name}.node`, import.meta.url))],
    ['package', `@mobula/core-${name}`],
  ];
}

function take(source: Source, place: string): Found | Attempt {
  let path = place;
  try {
    if (source === 'package') path = require.resolve(place);
  } catch (details) {
    return { source, place, failure: 'absent', details };
  }
  if (!existsSync(path)) return { source, place, failure: 'absent', details: undefined };
  let addon: Partial<Addon>;
  try {
    addon = require(path) as Partial<Addon>;
  } catch (details) {
    return { source, place, failure: 'refused', details };
  }
  // Checked before anything else is called: between versions, the records both sides exchange may differ.
  const found = typeof addon.version === 'function' ? addon.version() : 'an older version';
  if (found !== version) return { source, place, failure: 'version', details: found };
  return { addon: addon as Addon, source, path };
}

/** Loads the binary; throws `ERR_MOBULA_BINARY`, which tells what was tried and what to do, when none fits. */
export function findAddon(): Found {
  if (!isNodeSupported()) {
    const advice = 'Install a newer Node, and see with "node --version" that it is the one that runs.';
    const message = `mobula ${version} needs Node ${nodeFloor.join('.')} or later; this is ${process.version}. ${advice}`;
    throw new MobulaError('ERR_MOBULA_BINARY', message);
  }
  const attempts: Attempt[] = [];
  for (const [source, place] of places()) {
    const result = take(source, place);
    if ('addon' in result) return result;
    attempts.push(result);
  }
  const causes = attempts.map(({ details }) => details).filter((details) => details instanceof Error);
  const cause = causes.length > 1 ? new AggregateError(causes, 'no binary could be loaded') : causes[0];
  throw new MobulaError('ERR_MOBULA_BINARY', explain(attempts), { cause });
}
