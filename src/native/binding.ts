import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

import { MobulaError, ObjectLostError, ObjectStoreFullError, RuntimeClosedError } from '../common/errors.ts';
import type { Addon } from './addon.ts';

const require = createRequire(import.meta.url);

/** Whether the C library is musl. Asking `process.report` would take ten milliseconds. */
function isMusl(): boolean {
  const loader = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  return existsSync(`/lib/ld-musl-${loader}.so.1`);
}

/** The suffix of this platform's binary, such as `linux-x64-gnu`. */
function platform(): string {
  const libc = process.platform === 'linux' ? (isMusl() ? '-musl' : '-gnu') : '';
  return `${process.platform}-${process.arch}${libc}`;
}

/** The binary to load. `MOBULA_ADDON` names another: one built for a test. */
function binary(suffix: string): string {
  return process.env['MOBULA_ADDON'] ?? `../../native/mobula.${suffix}.node`;
}

function load(): Addon {
  const suffix = platform();
  try {
    return require(binary(suffix)) as Addon;
  } catch (cause) {
    const known = `mobula has no working binary for ${suffix} and Node ${process.version}`;
    throw new MobulaError('ERR_MOBULA_BINARY', `${known}. In a clone, run "npm run build" (it needs Rust).`, { cause });
  }
}

/** The addon. Loading it throws `ERR_MOBULA_BINARY` when no binary fits. */
export const addon: Addon = load();

/** Turns an error of the addon into the class that users know. */
export function nativeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code: unknown = Reflect.get(error, 'code');
  switch (code) {
    case 'ERR_MOBULA_OBJECT_STORE_FULL': {
      const advice = 'Let go of values that are not needed, or give init() a larger objectStoreMemory.';
      return new ObjectStoreFullError(`${error.message}. ${advice}`, { cause: error });
    }
    case 'ERR_MOBULA_OBJECT_LOST':
      return new ObjectLostError(error.message, { cause: error });
    case 'ERR_MOBULA_RUNTIME_CLOSED':
      return new RuntimeClosedError();
    default:
      return error;
  }
}
