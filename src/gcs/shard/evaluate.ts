/** The head evaluates: operations of one WRITE, in order, on what is there. What comes of them are effects and results. */
import { Table } from '../tables/tables.ts';
import type { Call, Core } from './core.ts';
import { LARGEST_VALUE, OP_HEADER, Op } from './operations.ts';
import { Result } from './results.ts';
import { isRowPayload, rowOperation } from './row-operations.ts';
import { SWEEP, sweep } from './sweeps.ts';

const LONGEST_KEY = 1024;
const MOST_OPERATIONS = 65_535;

/** Tables whose records decide something: what is written there is acknowledged when it is on the disk. */
const deciding: ReadonlySet<number> = new Set([Table.node, Table.job, Table.name, Table.ended]);

/** Why the operations are none; null: they are. */
export function problemOf(ops: Buffer, call: Call): string | null {
  let at = 0;
  let count = 0;
  while (at < ops.length) {
    if (at + OP_HEADER > ops.length) return 'an operation is cut off';
    read(ops, at, call);
    at = call.payload + call.payloadLength;
    if (at > ops.length) return 'an operation is cut off';
    const problem = problemOfCall(call);
    if (problem !== null) return problem;
    if (++count > MOST_OPERATIONS) return 'too many operations';
  }
  return null;
}

function problemOfCall(call: Call): string | null {
  const { op, table, keyLength, payloadLength } = call;
  if (keyLength === 0 || keyLength > LONGEST_KEY) return `a key of ${keyLength} bytes`;
  if (payloadLength > LARGEST_VALUE) return `a value of ${payloadLength} bytes`;
  return fits(call) ? null : `operation ${op} on table ${table} with a payload of ${payloadLength} bytes`;
}

/** Whether there is such an operation, and key and payload are what it takes. */
function fits({ ops, op, table, keyLength, payload, payloadLength }: Call): boolean {
  if (op >= Op.put && op <= Op.casDelete) return table >= Table.function && table <= Table.ended;
  if (op >= Op.putRow && op <= Op.unhold)
    return table === Table.row && isRowPayload(op, ops.subarray(payload, payload + payloadLength));
  if (op === Op.dropNode) return keyLength === 8 && payloadLength === SWEEP;
  if (op === Op.dropJob) return keyLength === 4 && payloadLength === SWEEP;
  return op === Op.expireSession && keyLength === 8;
}

/** Carries the operations out. Gives whether one of them decides. */
export function evaluate(core: Core, ops: Buffer): boolean {
  const { call } = core;
  let decides = false;
  call.number = 0;
  for (let at = 0; at < ops.length; at = call.payload + call.payloadLength) {
    read(ops, at, call);
    evaluateCall(core);
    decides ||= isDecision(call);
    call.number += 1;
  }
  return decides;
}

function read(ops: Buffer, at: number, call: Call): void {
  call.ops = ops;
  call.op = ops[at] as number;
  call.table = ops[at + 1] as number;
  call.keyLength = (ops[at + 2] as number) | ((ops[at + 3] as number) << 8);
  call.payloadLength = ops.readUInt32LE(at + 4);
  call.expected = ops.readDoubleLE(at + 8);
  call.key = at + OP_HEADER;
  call.payload = call.key + call.keyLength;
}

function isDecision({ op, table }: Call): boolean {
  return op === Op.cas || op === Op.casDelete || op === Op.rerun || op >= Op.dropNode || deciding.has(table);
}

function evaluateCall(core: Core): void {
  const { call } = core;
  if (call.op <= Op.casDelete) plainOperation(core);
  else if (call.op <= Op.unhold) {
    const rows = core.tables.get(Table.row);
    if (rows !== undefined) rowOperation(core, rows);
  } else if (call.op === Op.expireSession)
    core.endSession(Buffer.from(call.ops.subarray(call.key, call.key + call.keyLength)));
  else sweep(core);
}

function plainOperation(core: Core): undefined {
  const { call } = core;
  const { ops, op, key, keyLength } = call;
  const table = core.tables.get(call.table);
  if (table === undefined) return;
  const slot = table.find(ops, key, keyLength);
  const there = slot < 0 ? 0 : table.seq(slot);
  if (op === Op.add && slot >= 0) return core.result(Result.exists, there);
  if ((op === Op.cas || op === Op.casDelete) && there !== call.expected) return core.result(Result.conflict, there);
  if (op === Op.delete || op === Op.casDelete) {
    if (slot < 0) return core.result(Result.none);
    core.deleteKey(call.table, ops, key, keyLength);
    return;
  }
  // What frees memory, or decides, is taken even when memory is used up.
  if (slot < 0 && !deciding.has(call.table) && core.isFull()) return core.result(Result.full);
  const seq = core.putPayload(table, slot);
  if (op !== Op.put) core.result(Result.written, seq);
}
