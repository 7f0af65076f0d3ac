import { ResultFlag, type Row, type RowResult, RowState, writeRow } from '../tables/row.ts';
import type { Core } from './core.ts';

/** Writes the row of the call's key. */
export function store(core: Core, row: Row): undefined {
  const bytes = writeRow(row);
  core.put(bytes, 0, bytes.length);
}

/** Stores the row with the holders it has left. With none, its copies go, and so does the row if it has no spec. */
export function release(core: Core, row: Row): undefined {
  const { ops, key, keyLength, table } = core.call;
  releaseKey(core, row, table, ops, key, keyLength);
}

export function releaseKey(
  core: Core,
  row: Row,
  table: number,
  from: Buffer,
  key: number,
  keyLength: number,
): undefined {
  let kept = row;
  if (row.holders.length === 0) {
    for (const { places } of row.results) for (const place of places) core.free(place, from, key, keyLength);
    if (row.spec.length === 0 && row.state !== RowState.pending) {
      core.deleteKey(table, from, key, keyLength);
      return;
    }
    const empty = (result: RowResult): RowResult => ({
      ...result,
      flags: result.flags & ~ResultFlag.inline,
      inline: Buffer.alloc(0),
      places: [],
    });
    kept = { ...row, results: row.results.map(empty) };
  }
  const bytes = writeRow(kept);
  core.putKey(table, from, key, keyLength, bytes, 0, bytes.length);
}
