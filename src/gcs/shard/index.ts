export { Table } from '../tables/tables.ts';
export { Op, OpWriter } from './operations.ts';
export type * from './ports.ts';
export { Result, readResults } from './results.ts';
export { Rerun } from './row-operations.ts';
export { shard } from './shard.ts';
export { newShard, type ShardState } from './state.ts';
export { DropNode } from './sweeps.ts';
