/** Results of operations that are not plain OK: `u16 number of the operation, u8 code, u8 length`; of length 8, an f64 follows. */

export const Result = {
  /** Done; the seq of the record follows, or the run. */
  written: 1,
  /** The key has a record: its seq follows. */
  exists: 2,
  /** The record's seq is another than expected: it follows; 0: there is none. */
  conflict: 3,
  none: 4,
  /** No new work is taken: memory is used up. */
  full: 5,
  /** The row is of another run, or done. The run that counts follows. */
  stale: 6,
  /** The job or the node has ended. */
  ended: 7,
  /** Nobody holds the object: its copy is to be dropped. */
  free: 8,
  /** The value differs from the one that was there: the object is lost. */
  notRepeatable: 9,
  /** A sweep goes on: what to pass next follows. */
  next: 10,
  /** May not be done as things are: the submitter or the executor lives. */
  denied: 11,
} as const;

export interface OpResult {
  readonly op: number;
  readonly code: number;
  readonly number: number | null;
}

export function readResults(bytes: Buffer): OpResult[] {
  const results: OpResult[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at + 3] ?? 0;
    results.push({
      op: bytes.readUInt16LE(at),
      code: bytes[at + 2] ?? 0,
      number: length === 8 ? bytes.readDoubleLE(at + 4) : null,
    });
    at += 4 + length;
  }
  return results;
}
