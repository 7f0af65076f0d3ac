// A driver: node job-program.js <address> <name>. Its tasks mark the globals and a module of the threads that they run on, and give
// the marks that they find. Goes on until its standard input ends, then prints what it has seen.
import { context, get, init, remote, shutdown } from 'mobula';
import { state } from './job-state.js';

const [address = '', name = ''] = process.argv.slice(2);
await init({ address });

const visit = remote((own: string) => {
  const there = globalThis as { mark?: string };
  const seen = [there.mark ?? own, state.owner ?? own];
  there.mark = own;
  state.owner = own;
  const { jobId, nodeId, workerId } = context();
  return { seen, jobId, nodeId, workerId };
});
const nested = remote(async (own: string) => get(visit.remote(own)));

let over = false;
process.stdin.resume().once('end', () => {
  over = true;
});
const marks = new Set<string>();
const workers = new Set<string>();
const jobs = new Set<string>();
let count = 0;
const look = async (): Promise<void> => {
  const refs = Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? nested : visit).remote(name));
  for (const { seen, jobId, workerId } of await get(refs)) {
    for (const mark of seen) marks.add(mark);
    workers.add(workerId);
    jobs.add(jobId);
    count += 1;
  }
};
await look();
console.log('up');
while (!over) {
  await look();
}
const own = context().jobId;
await shutdown();
console.log(JSON.stringify({ marks: [...marks], workers: [...workers], jobs: [...jobs], own, count }));
