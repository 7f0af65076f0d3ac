// The program of a worker thread.
import { startWorker } from './start-worker.ts';

startWorker();
