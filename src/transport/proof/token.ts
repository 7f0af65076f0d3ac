import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { missingToken, unreadableToken } from '../errors.ts';

/** Permissions of the group and of others. */
const NOT_OWNER = 0o077;

/**
 * The token of the cluster: `MOBULA_AUTH_TOKEN` of `environment`, else what `file` has. There is no other way to come by one.
 *
 * @throws MobulaError (`ERR_MOBULA_UNAUTHORIZED`): there is none; or the file cannot be read, is empty, or others may read it.
 */
export function readToken(environment: Readonly<Record<string, string | undefined>>, file: string): string {
  const given = environment['MOBULA_AUTH_TOKEN']?.trim() ?? '';
  if (given !== '') return given;
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw missingToken();
    throw unreadableToken(file, `cannot be read: ${(cause as Error).message}`, cause);
  }
  try {
    if ((fstatSync(descriptor).mode & NOT_OWNER) !== 0 && process.platform !== 'win32') {
      throw unreadableToken(file, `may be read by others. Forbid it: chmod 600 ${file}`);
    }
    const token = readFileSync(descriptor, 'utf8').trim();
    if (token === '') throw unreadableToken(file, 'is empty. Copy it again from the machine of the head');
    return token;
  } finally {
    closeSync(descriptor);
  }
}
