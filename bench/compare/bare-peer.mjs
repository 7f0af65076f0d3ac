import { parentPort, workerData } from 'node:worker_threads';
import { Counter } from './bodies.mjs';

/** Holds an object that others call through `served`, or calls one through `called`, or does both. */
const { served, called } = workerData;
const target = new Counter();
const pending = new Map();
let calls = 0;

if (served !== undefined) {
  served.onmessage = ({ data: [id, method] }) => served.postMessage([id, target[method]()]);
}

if (called !== undefined) {
  called.onmessage = ({ data: [id, value] }) => {
    const resolve = pending.get(id);
    pending.delete(id);
    resolve(value);
  };
}

function call(method) {
  return new Promise((resolve) => {
    const id = calls++;
    pending.set(id, resolve);
    called.postMessage([id, method]);
  });
}

parentPort.onmessage = async ({ data: { rounds, outstanding } }) => {
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(Array.from({ length: outstanding }, () => call('inc')));
  }
  parentPort.postMessage('done');
};
