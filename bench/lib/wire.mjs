/** A client of a head as one file. */
import { buildModule, root } from './transport.mjs';

const contents = `export * from './src/wire/index.ts';
export { Op, OpWriter, Table } from './src/gcs/shard/index.ts';
export { version } from './src/common/version.ts';`;

/** Bundles src/wire/ of this tree, and what writes operations; gives the module. Its file is gone when this process ends. */
export const importWire = async () => import(await buildModule({ stdin: { contents, resolveDir: root } }));
