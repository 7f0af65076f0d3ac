import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A stretch of a file, in bytes. It owns the lines that begin in `start … end`. */
export interface Piece {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

const CHUNK_BYTES = 2 * 1024 * 1024;
const PROBE_BYTES = 8 * 1024;

/** Cuts all text below `folder` into chunks of about 2 MiB: many small files, or a part of a big one. */
export async function* chunks(folder: string): AsyncGenerator<Piece[]> {
  let chunk: Piece[] = [];
  let bytes = 0;
  for await (const path of textFiles(folder)) {
    const { size } = await stat(path);
    for (let start = 0; start < size; start += CHUNK_BYTES) {
      const end = Math.min(size, start + CHUNK_BYTES);
      chunk.push({ path, start, end });
      bytes += end - start;
      if (bytes < CHUNK_BYTES) continue;
      yield chunk;
      chunk = [];
      bytes = 0;
    }
  }
  if (chunk.length > 0) yield chunk;
}

/** Every readable file below `folder` that looks like text: no NUL among its first bytes. Links are not followed. */
async function* textFiles(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(skipForbidden);
  if (entries === undefined) return;
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* textFiles(path);
    else if (entry.isFile() && (await looksLikeText(path))) yield path;
  }
}

async function looksLikeText(path: string): Promise<boolean> {
  const file = await open(path).catch(skipForbidden);
  if (file === undefined) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(PROBE_BYTES), 0, PROBE_BYTES, 0);
    return bytesRead > 0 && !buffer.subarray(0, bytesRead).includes(0);
  } finally {
    await file.close();
  }
}

/** What we may not read we leave out; any other error is the caller's to know. */
function skipForbidden(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM'))
    return undefined;
  throw error;
}
