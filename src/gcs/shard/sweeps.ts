/**
 * What ends with a node or a job is taken out of the tables in steps, so that nothing waits long behind it. The payload says
 * from which slot on; the result says where to go on, until it is plain OK.
 */
import type { Records } from '../tables/records.ts';
import { jobOf, type Node, type Row, readRow, writeRow } from '../tables/row.ts';
import { Table } from '../tables/tables.ts';
import type { Core } from './core.ts';
import { Op } from './operations.ts';
import { Result } from './results.ts';
import { releaseKey } from './row-store.ts';

/** Slots looked at in one step. */
const STEP = 1_000;

/** The length of a sweep's payload. */
export const SWEEP = 9;

/** What goes with DROP_NODE: a flag each. Holds go later than places, when no live node can still read what the dead one sent. */
export const DropNode = { places: 1, holds: 2 } as const;

/** Key: the node, or the job; payload: f64 first slot, u8 flags. */
export function sweep(core: Core): void {
  const { call, tables } = core;
  const rows = tables.get(Table.row);
  const functions = tables.get(Table.function);
  if (rows === undefined || functions === undefined) return;
  const key = Buffer.from(call.ops.subarray(call.key, call.key + call.keyLength));
  const from = call.ops.readDoubleLE(call.payload);
  if (from === 0 && !core.isEnded(key)) core.putKey(Table.ended, key, 0, key.length, key, 0, 0);
  if (call.op === Op.dropNode) {
    const node = key.toString('latin1');
    const flags = call.ops[call.payload + 8] ?? 0;
    each(core, rows, from, 0, (slot) => dropNode(core, rows, slot, node, flags));
  } else {
    const job = key.readUInt32LE();
    const drop = (table: Records, number: number) => (slot: number) => {
      if (table.valueLength(slot) < 8 || jobOf(table.value(slot)) !== job) return;
      const whole = Buffer.from(table.key(slot));
      core.deleteKey(number, whole, 0, whole.length);
    };
    if (from < rows.slots) each(core, rows, from, functions.slots, drop(rows, Table.row));
    else each(core, functions, from - rows.slots, 0, drop(functions, Table.function), rows.slots);
  }
}

/** One step over a table; `more`: whether something comes after the table; `before`: what was counted before it. */
function each(core: Core, table: Records, from: number, more: number, visit: (slot: number) => void, before = 0): void {
  const end = Math.min(table.slots, from + STEP);
  for (let slot = from; slot < end; slot++) if (table.has(slot)) visit(slot);
  if (end < table.slots || more > 0) core.result(Result.next, before + end);
}

function dropNode(core: Core, rows: Records, slot: number, node: Node, flags: number): void {
  const row = readRow(Buffer.from(rows.value(slot)));
  const key = Buffer.from(rows.key(slot));
  const lacksPlaces = (flags & DropNode.places) === 0 ? row : withoutPlaces(row, node);
  const holders = row.holders.filter((holder) => holder.node !== node);
  if ((flags & DropNode.holds) !== 0 && holders.length < row.holders.length) {
    releaseKey(core, { ...lacksPlaces, holders }, Table.row, key, 0, key.length);
    return;
  }
  if (lacksPlaces === row) return;
  const bytes = writeRow(lacksPlaces);
  core.putKey(Table.row, key, 0, key.length, bytes, 0, bytes.length);
}

function withoutPlaces(row: Row, node: Node): Row {
  if (!row.results.some(({ places }) => places.includes(node))) return row;
  const results = row.results.map((result) => ({ ...result, places: result.places.filter((place) => place !== node) }));
  return { ...row, results };
}
