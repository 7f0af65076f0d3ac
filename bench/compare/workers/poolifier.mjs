import { workerData } from 'node:worker_threads';
import { ThreadWorker } from 'poolifier';
import { BODIES } from '../bodies.mjs';

export default new ThreadWorker(BODIES[workerData.body]);
