import type { Duplex } from 'node:stream';
import { UNPROVEN_BYTES } from '../limits.ts';

/** Destroys a socket from which more comes than may come before the token is proven. Returns what ends the counting. */
export function countUnproven(socket: Duplex, already: number): () => void {
  let bytes = already;
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes <= UNPROVEN_BYTES) return;
    socket.removeListener('data', count);
    socket.destroy();
  };
  socket.prependListener('data', count);
  return () => void socket.removeListener('data', count);
}
