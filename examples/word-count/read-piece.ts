import { type FileHandle, open } from 'node:fs/promises';
import type { Piece } from './chunks.ts';

const NEWLINE = 10;
const BLOCK_BYTES = 64 * 1024;

/** The text of the lines that begin inside the piece. Whole lines only: no word or character is ever cut. */
export async function readPiece({ path, start, end }: Piece): Promise<string> {
  const file = await open(path);
  try {
    const from = start === 0 ? 0 : await nextLine(file, start);
    const to = from < end ? await nextLine(file, end) : from;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Where the first line that begins at or after `position` begins; the end of the file if there is none. */
async function nextLine(file: FileHandle, position: number): Promise<number> {
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let offset = position - 1; ; offset += BLOCK_BYTES) {
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, offset);
    const newline = block.subarray(0, bytesRead).indexOf(NEWLINE);
    if (newline >= 0) return offset + newline + 1;
    if (bytesRead < BLOCK_BYTES) return offset + bytesRead;
  }
}
