/** Operations on rows. Each is carried out on what is there; one that does not fit is a result, and changes nothing. */

import type { Records } from '../tables/records.ts';
import {
  areResults,
  isRow,
  NOBODY,
  type Node,
  ResultFlag,
  type Row,
  RowFlag,
  type RowResult,
  RowState,
  readRow,
  readRowResults,
} from '../tables/row.ts';
import type { Core } from './core.ts';
import { Op } from './operations.ts';
import { Result } from './results.ts';
import { addPlace, deletePlace, hold, unhold } from './row-places.ts';
import { release, store } from './row-store.ts';

/** Flags of RERUN. */
export const Rerun = {
  /** The executor lives and has said that it does not hold this run. */
  notHeld: 1,
  /** The run counts as a try. */
  charged: 2,
  /** The row is done, and a value of it is lost. */
  lost: 4,
} as const;

/** The length of each operation's payload, at least. */
const lengths: ReadonlyMap<number, number> = new Map([
  [Op.putRow, 40],
  [Op.rerun, 9],
  [Op.setExecutor, 8],
  [Op.finish, 8],
  [Op.cancel, 0],
  [Op.addPlace, 21],
  [Op.deletePlace, 12],
  [Op.hold, 12],
  [Op.unhold, 12],
]);

/** Whether the payload can be read. */
export function isRowPayload(op: number, payload: Buffer): boolean {
  if (payload.length < (lengths.get(op) ?? 0)) return false;
  if (op === Op.putRow) return isRow(payload);
  return op !== Op.finish || areResults(payload.subarray(8));
}

export function rowOperation(core: Core, rows: Records): undefined {
  const { call } = core;
  const slot = rows.find(call.ops, call.key, call.keyLength);
  const payload = call.ops.subarray(call.payload, call.payload + call.payloadLength);
  if (call.op === Op.putRow) return putRow(core, slot, payload);
  if (slot < 0) return core.result(call.op === Op.addPlace ? Result.free : Result.none);
  const row = readRow(Buffer.from(rows.value(slot)));
  switch (call.op) {
    case Op.rerun:
      return rerun(core, row, payload);
    case Op.setExecutor:
      return setExecutor(core, row, payload.toString('latin1', 0, 8));
    case Op.finish:
      return finish(core, row, payload);
    case Op.cancel:
      if (row.state !== RowState.pending) return core.result(Result.stale, row.run);
      return store(core, { ...row, state: RowState.cancelled });
    case Op.addPlace:
      return addPlace(core, row, payload);
    case Op.deletePlace:
      return deletePlace(core, row, payload);
    case Op.hold:
      return hold(core, row, payload.toString('latin1', 0, 8), payload.readUInt32LE(8));
    case Op.unhold:
      return unhold(core, row, payload.toString('latin1', 0, 8), payload.readUInt32LE(8));
  }
}

function putRow(core: Core, slot: number, payload: Buffer): undefined {
  if (slot >= 0) return core.result(Result.exists, 0);
  const row = readRow(payload);
  if (core.hasEnded(row.job) || core.isDead(row.submitter)) return core.result(Result.ended);
  if (core.isFull()) return core.result(Result.full);
  store(core, withoutTheDead(core, row));
}

/** A sweep for a node that died may have passed already: nothing of it comes in behind. */
function withoutTheDead(core: Core, row: Row): Row {
  const lives = (node: Node): boolean => !core.isDead(node);
  return {
    ...row,
    holders: row.holders.filter(({ node }) => lives(node)),
    results: row.results.map((result) => ({ ...result, places: result.places.filter(lives) })),
  };
}

/** A new run of a task: of those that ask for it one wins. */
function rerun(core: Core, row: Row, payload: Buffer): undefined {
  const caller = payload.toString('latin1', 0, 8);
  const flags = payload[8] ?? 0;
  if (row.run !== core.call.expected) return core.result(Result.conflict, row.run);
  if (core.isDead(caller)) return core.result(Result.ended);
  const mayRun = row.state === RowState.pending ? isAbandoned(core, row, caller, flags) : isLost(row, flags);
  if (!mayRun || (row.flags & RowFlag.actorCall) !== 0) return core.result(Result.denied);
  const tries = row.tries + ((flags & Rerun.charged) === 0 ? 0 : 1);
  store(core, { ...row, state: RowState.pending, run: row.run + 1, tries, submitter: caller, executor: NOBODY });
  core.result(Result.written, row.run + 1);
}

/** A pending row is its submitter's while that lives; then the executor's, while that lives and holds it. */
function isAbandoned(core: Core, { submitter, executor }: Row, caller: Node, flags: number): boolean {
  if (submitter === caller) return true;
  if (!core.isDead(submitter)) return false;
  return executor === NOBODY || (flags & Rerun.notHeld) !== 0 || core.isDead(executor);
}

function isLost({ state, results }: Row, flags: number): boolean {
  return state === RowState.done && (flags & Rerun.lost) !== 0 && results.some((result) => !hasValue(result));
}

function hasValue({ flags, places }: RowResult): boolean {
  return places.length > 0 || (flags & (ResultFlag.inline | ResultFlag.lost)) !== 0;
}

function setExecutor(core: Core, row: Row, executor: Node): undefined {
  if (row.state !== RowState.pending || row.run !== core.call.expected) return core.result(Result.stale, row.run);
  if (core.isDead(executor)) return core.result(Result.ended);
  store(core, { ...row, executor });
}

/** The outcome of the run that counts. It fills only what has no value yet, so that what was read stays what it was. */
function finish(core: Core, row: Row, payload: Buffer): undefined {
  const executor = payload.toString('latin1', 0, 8);
  if (row.run !== core.call.expected || row.state === RowState.cancelled) return core.result(Result.stale, row.run);
  if (core.isDead(executor)) return core.result(Result.ended);
  const made = readRowResults(payload.subarray(8));
  let repeatable = true;
  const results = made.map((fresh) => {
    const there = row.results.find(({ index }) => index === fresh.index);
    if (there === undefined) return fresh;
    if (hasValue(there)) return there;
    if (there.crc === fresh.crc || (there.flags & fresh.flags & ResultFlag.crcKnown) === 0) return fresh;
    repeatable = false;
    return { ...there, flags: there.flags | ResultFlag.lost };
  });
  const others = row.results.filter(({ index }) => !made.some((fresh) => fresh.index === index));
  const done = { ...row, state: RowState.done, executor, results: [...results, ...others] };
  if (!repeatable) core.result(Result.notRepeatable);
  if (row.holders.length === 0) return release(core, done);
  store(core, done);
}
