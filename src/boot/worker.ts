// The program of a worker thread. The first message of the driver's thread is compiled code: mostly it is there before this runs.
import { type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { type PackedCode, part, unpack } from '../common/bundle.ts';
import { openThingsChannel } from '../core/values/things-channel.ts';

const driver = parentPort as MessagePort;

function begin(code: PackedCode): void {
  // Open before the brief is asked for, which tells what was shared before: nothing is missed in between.
  const things = openThingsChannel();
  // The driver writes the brief while this thread loads its code.
  driver.postMessage('ready');
  unpack(code);
  const { startWorker } = part('worker') as typeof import('./start-worker.ts');
  startWorker(driver, things);
}

const first = receiveMessageOnPort(driver);
if (first === undefined) driver.once('message', begin);
else begin(first.message as PackedCode);
