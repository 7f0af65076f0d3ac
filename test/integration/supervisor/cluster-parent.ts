// A test that starts a cluster, and is killed, or ends without a word.
import { startProcesses } from '../../../src/testing/processes.ts';

const double = new URL('./double.js', import.meta.url);
const node = { numCpus: 1, resources: {}, objectStoreMemory: 2 ** 20 };
await startProcesses([node, node], { head: double, node: double });
console.log('up');
if (process.argv[2] === 'wait') setInterval(() => {}, 1000);
