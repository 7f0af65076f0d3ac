import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readToken } from '../../transport/proof/token.ts';

/**
 * The token of a head that starts: `MOBULA_AUTH_TOKEN`, else what `file` has, else a new one, which `file` has from then on.
 *
 * @throws MobulaError (`ERR_MOBULA_UNAUTHORIZED`): the file cannot be read, is empty, or others may read it.
 */
export function headToken(environment: Readonly<Record<string, string | undefined>>, file: string): string {
  if ((environment['MOBULA_AUTH_TOKEN']?.trim() ?? '') === '') makeToken(file);
  return readToken(environment, file);
}

/** Makes a token, unless there is one. Of two processes that do it at once, one does. */
function makeToken(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
