import { MobulaError } from '../../common/errors.ts';
import { Table } from '../shard/index.ts';
import { LARGEST_VALUE } from '../shard/operations.ts';
import { type JobRow, jobKey, jobRow, type NodeRow, nodeRow, rowBytes } from '../tables/members.ts';
import type { Layout } from './table.ts';

export const nodeLayout: Layout<NodeRow> = {
  table: Table.node,
  key: (nodeId) => Buffer.from(nodeId, 'hex'),
  keyOf: (bytes) => bytes.toString('hex'),
  write: rowBytes,
  read: nodeRow,
};

export const jobLayout: Layout<JobRow> = {
  table: Table.job,
  key: (job) => jobKey(Number(job)),
  keyOf: (bytes) => String(bytes.readUInt32LE()),
  write: rowBytes,
  read: jobRow,
};

const LONGEST_KEY = 1024;

/** Keys are text, values any bytes. */
export const kvLayout: Layout<Uint8Array> = {
  table: Table.kv,
  key(key) {
    const bytes = Buffer.from(key);
    if (bytes.length === 0 || bytes.length > LONGEST_KEY)
      throw new MobulaError('ERR_MOBULA_INVALID_ARGUMENT', `A key has 1 to ${LONGEST_KEY} bytes, not ${bytes.length}`);
    return bytes;
  },
  keyOf: (bytes) => bytes.toString(),
  write(value) {
    if (value.length > LARGEST_VALUE)
      throw new MobulaError(
        'ERR_MOBULA_INVALID_ARGUMENT',
        `A value has ${value.length} bytes, more than ${LARGEST_VALUE}. Put it into the object store`,
      );
    return Buffer.from(value);
  },
  read: (bytes) => bytes,
};
