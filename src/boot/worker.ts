// The program of a worker thread. The driver's thread sends its compiled code at once: mostly it is there before this runs.
import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { loadCode } from './compiled.ts';

const first: unknown = parentPort === null ? undefined : receiveMessageOnPort(parentPort)?.message;
const { startWorker } = loadCode(first instanceof Uint8Array ? first : undefined) as typeof import('./start-worker.ts');
startWorker();
