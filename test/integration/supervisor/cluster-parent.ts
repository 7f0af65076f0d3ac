// A test that starts a cluster, and is killed, or ends without a word.
import { startProcesses } from '../../../src/testing/processes.ts';
import { doubles } from './double-head.ts';

const node = { numCpus: 1, resources: {}, objectStoreMemory: 2 ** 20 };
await startProcesses([node, node], doubles());
console.log('up');
if (process.argv[2] === 'wait') setInterval(() => {}, 1000);
