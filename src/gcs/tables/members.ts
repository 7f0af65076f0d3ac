/** Rows of the node table and the job table, as bytes and back. */
import type { NodeInfo } from '../client.ts';

/** A node as the table of a cluster has it. */
export interface NodeRow extends NodeInfo {
  /** Where its agent accepts channels, `host:port`; empty: nowhere. */
  readonly agent: string;
  /** Where it serves objects, `host:port`; empty: nowhere. */
  readonly data: string;
  /** Why it is dead, in words; empty: it lives. */
  readonly cause: string;
  /**
   * Of a dead node: the attempts of tasks of others that it had begun, 20 bytes each (`core/run/begun.ts`), in base64. Absent: that is
   * not known.
   */
  readonly begun?: string;
}

export interface JobRow {
  readonly job: number;
  /** The node of its driver, and the driver's number for it. */
  readonly driver: string;
  readonly no: number;
  readonly name: string;
  readonly namespace: string;
  readonly ended: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Rows are JSON: they are few, written rarely, and only by the head. */
export function rowBytes(row: NodeRow | JobRow): Buffer {
  return Buffer.from(encoder.encode(JSON.stringify(row)));
}

export function nodeRow(bytes: Uint8Array): NodeRow {
  return JSON.parse(decoder.decode(bytes)) as NodeRow;
}

export function jobRow(bytes: Uint8Array): JobRow {
  return JSON.parse(decoder.decode(bytes)) as JobRow;
}

/** The key of a job: its number, low byte first. */
export function jobKey(job: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(job);
  return key;
}
