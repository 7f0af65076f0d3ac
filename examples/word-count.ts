/**
 * Counts the words of all text below a folder: map and reduce over tasks, checked against a plain loop.
 *
 *     node dist/examples/word-count.js FOLDER
 */
import { get, init, type ObjectRef, remote, shutdown } from 'mobula';
import { chunks, type Piece } from './word-count/chunks.ts';
import { type Counts, countWords, mapChunk, reducePartition } from './word-count/count.ts';
import { readPiece } from './word-count/read-piece.ts';

const PARTITIONS = 4;

/** Maps every chunk, then reduces every partition. Between the two, counts go from task to task. */
async function countByTasks(work: readonly Piece[][]): Promise<Counts> {
  const map = remote(mapChunk, { numReturns: PARTITIONS });
  const reduce = remote(reducePartition);
  const mapped: readonly (readonly ObjectRef<Counts>[])[] = work.map((chunk) => map.remote(chunk, PARTITIONS));
  const reduced = Array.from({ length: PARTITIONS }, (_, partition) =>
    reduce.remote(...mapped.map((outputs) => outputs[partition] as ObjectRef<Counts>)),
  );
  return new Map((await get(reduced)).flatMap((counts) => [...counts]));
}

/** The same on this thread alone. */
async function countSerially(work: readonly Piece[][]): Promise<Counts> {
  const counts: Counts = new Map();
  for (const piece of work.flat()) countWords(counts, await readPiece(piece));
  return counts;
}

function sameCounts(left: Counts, right: Counts): boolean {
  return left.size === right.size && [...left].every(([word, count]) => right.get(word) === count);
}

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; milliseconds: number }> {
  const started = performance.now();
  const value = await work();
  return { value, milliseconds: Math.round(performance.now() - started) };
}

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: node dist/examples/word-count.js FOLDER');
  process.exit(2);
}

const work: Piece[][] = [];
for await (const chunk of chunks(folder)) work.push(chunk);
const bytes = work.flat().reduce((total, { start, end }) => total + end - start, 0);
const files = new Set(work.flat().map(({ path }) => path)).size;
console.log(
  `${files} text files, ${(bytes / 2 ** 20).toFixed(1)} MiB, ${work.length} map and ${PARTITIONS} reduce tasks`,
);

await init();
const parallel = await timed(() => countByTasks(work));
await shutdown();
const serial = await timed(() => countSerially(work));

const top = [...parallel.value].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 20);
for (const [word, count] of top) console.log(`${String(count).padStart(10)}  ${word}`);
const speedUp = (serial.milliseconds / parallel.milliseconds).toFixed(2);
console.log(`tasks ${parallel.milliseconds} ms, one thread ${serial.milliseconds} ms (${speedUp} times as fast)`);
if (sameCounts(parallel.value, serial.value)) {
  console.log(`both count the same: ${parallel.value.size} different words`);
} else {
  console.error('the two counts differ');
  process.exitCode = 1;
}
