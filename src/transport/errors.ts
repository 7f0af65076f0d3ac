import { MobulaError } from '../common/errors.ts';
import { version } from '../common/version.ts';
import { FRAME_BYTES, PROTOCOL } from './limits.ts';
import type { Closed } from './ports.ts';

/** Where the token comes from, for messages. */
const TOKEN = 'MOBULA_AUTH_TOKEN, or the file ~/.mobula/auth_token';

export function unauthorized(address: string): MobulaError {
  return new MobulaError(
    'ERR_MOBULA_UNAUTHORIZED',
    `The token of this process is not the token of ${address}. Both must have the same ${TOKEN}`,
  );
}

export function missingToken(): MobulaError {
  return new MobulaError(
    'ERR_MOBULA_UNAUTHORIZED',
    `There is no token. Set MOBULA_AUTH_TOKEN to the token of the cluster, or copy the file ~/.mobula/auth_token of the machine of its head`,
  );
}

export function unreadableToken(file: string, problem: string, cause?: unknown): MobulaError {
  return new MobulaError('ERR_MOBULA_UNAUTHORIZED', `The token file ${file} ${problem}`, { cause });
}

/** One line that says who speaks which version, and what to do. */
export function otherVersion(address: string, theirs: number, theirVersion = 'another version'): string {
  return `${address} is mobula ${theirVersion} with protocol ${theirs}; this is mobula ${version} with protocol ${PROTOCOL}. Install the same version on both`;
}

export function frameTooLong(bytes: number): MobulaError {
  return new MobulaError(
    'ERR_MOBULA_FRAME',
    `A frame of ${bytes} bytes is longer than the ${FRAME_BYTES} that may be sent at once. Send it in parts, or as an object`,
  );
}

/** A frame that came is not what the message table says. */
export function malformed(message: string): MobulaError {
  return new MobulaError('ERR_MOBULA_FRAME', message);
}

export function cannotConnect(address: string, problem: string, cause?: unknown): MobulaError {
  return new MobulaError('ERR_MOBULA_CONNECTION', `${address} cannot be reached: ${problem}`, { cause });
}

/** A channel ended before it was up. */
export function refused(address: string, { code, text }: Closed): MobulaError {
  if (code === 'unauthorized') return unauthorized(address);
  if (code === 'version') return new MobulaError('ERR_MOBULA_VERSION', text);
  return cannotConnect(address, text);
}

export function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): MobulaError {
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another process has that port. Choose another with --port, or end that process',
    EACCES: 'this user may not use that port. Choose one above 1023 with --port',
    EADDRNOTAVAIL: 'no network interface of this machine has that address. Choose another with --bind',
    ENOTFOUND: 'no machine has that name. Choose another with --bind',
  };
  const problem = advice[cause.code ?? ''] ?? cause.message;
  return new MobulaError('ERR_MOBULA_CONNECTION', `Cannot listen at ${host}:${port}: ${problem}`, { cause });
}
