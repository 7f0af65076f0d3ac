/** Operations on rows: where values are, and who holds them. */
import { MOST_PLACES, type Node, ResultFlag, type Row, type RowResult } from '../tables/row.ts';
import type { Core } from './core.ts';
import { Result } from './results.ts';
import { release, store } from './row-store.ts';

export function addPlace(core: Core, row: Row, payload: Buffer): undefined {
  const node = payload.toString('latin1', 0, 8);
  const index = payload.readUInt32LE(8);
  const crc = payload.readUInt32LE(16);
  const known = (payload[20] ?? 0) & ResultFlag.crcKnown;
  const result = row.results.find((one) => one.index === index);
  if (core.isDead(node)) return core.result(Result.ended);
  if (row.holders.length === 0 || result === undefined) return core.result(Result.free);
  // A copy of another run's value is another value.
  if (result.run !== payload.readUInt32LE(12)) return core.result(Result.stale, result.run);
  if ((result.flags & known & ResultFlag.crcKnown) !== 0 && result.crc !== crc)
    return core.result(Result.notRepeatable);
  if (result.places.includes(node) || result.places.length >= MOST_PLACES) return;
  const more = known === 0 ? result : { ...result, crc, flags: result.flags | known };
  replace(core, row, { ...more, places: [...result.places, node] });
}

export function deletePlace(core: Core, row: Row, payload: Buffer): undefined {
  const node = payload.toString('latin1', 0, 8);
  const index = payload.readUInt32LE(8);
  const result = row.results.find((one) => one.index === index);
  if (result?.places.includes(node) !== true) return core.result(Result.none);
  replace(core, row, { ...result, places: result.places.filter((place) => place !== node) });
}

function replace(core: Core, row: Row, result: RowResult): undefined {
  store(core, { ...row, results: row.results.map((one) => (one.index === result.index ? result : one)) });
}

export function hold(core: Core, row: Row, node: Node, number: number): undefined {
  if (core.isDead(node)) return core.result(Result.ended);
  const there = row.holders.find((holder) => holder.node === node);
  if (there !== undefined && there.number >= number) return;
  const others = row.holders.filter((holder) => holder !== there);
  store(core, { ...row, holders: [...others, { node, number }] });
}

/** UNHOLD(n) is void after HOLD(n + 1). */
export function unhold(core: Core, row: Row, node: Node, number: number): undefined {
  const there = row.holders.find((holder) => holder.node === node);
  if (there === undefined || there.number > number) return core.result(Result.none);
  release(core, { ...row, holders: row.holders.filter((holder) => holder !== there) });
}
