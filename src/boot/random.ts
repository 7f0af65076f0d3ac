import { closeSync, openSync, readSync } from 'node:fs';

/** As many random bytes as asked for, in hexadecimal digits. */
export function randomHex(count: number): string {
  return randomBytes(count).toString('hex');
}

function randomBytes(count: number): Buffer {
  try {
    // The system's own source. To load node:crypto takes longer than all else that a driver does by itself until it is up.
    const source = openSync('/dev/urandom', 'r');
    try {
      const bytes = Buffer.alloc(count);
      if (readSync(source, bytes) === count) return bytes;
    } finally {
      closeSync(source);
    }
  } catch {
    // No such file, or this process may not read it.
  }
  return process.getBuiltinModule('node:crypto').randomBytes(count);
}
