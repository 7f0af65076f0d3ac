import { parentPort } from 'node:worker_threads';
import { Counter } from './bodies.mjs';

/** An object that lives in a worker: the message names the method. */
const target = new Counter();

parentPort.onmessage = ({ data: [id, method] }) => {
  try {
    parentPort.postMessage([id, target[method]()]);
  } catch (error) {
    parentPort.postMessage([id, undefined, error]);
  }
};
