import { parentPort } from 'node:worker_threads';

/** The other end of the ping-pong: no call numbers, no function, nothing but the message. */
parentPort.onmessage = ({ data }) => parentPort.postMessage(data);
