import { BroadcastChannel } from 'node:worker_threads';

/** This thread's end of one channel for all threads of the process; no other process hears it. It queues what comes. */
export function openThingsChannel(): BroadcastChannel {
  return new BroadcastChannel('mobula:things');
}
