import { File } from 'node:buffer';
import { types } from 'node:util';
import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { SharedThing } from './shared-thing.ts';

/** What a thread asks the driver for. */
export interface Wanted {
  readonly nodeId: string;
  readonly wanted: number;
  readonly generation: number;
}

/** The answer about a thing that nobody has. */
export interface Lost {
  readonly nodeId: string;
  readonly lost: number;
}

/** What goes between a thread and the driver. */
export type HubMessage = SharedThing | Wanted | Lost;

/**
 * A line between the driver and one other thread. Objects of Node's own, such as Blobs, can be posted only where a single
 * thread listens, so they go to the driver, which gives them to those that ask. A BroadcastChannel with two ends is
 * such a line, and needs no port to be passed on.
 */
export class Line {
  readonly #channel: BroadcastChannel;

  constructor(name: string, onMessage: (message: HubMessage) => void) {
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = (news: unknown) => onMessage((news as { readonly data: HubMessage }).data);
    this.#channel.unref();
  }

  post(message: HubMessage): void {
    this.#channel.postMessage(message);
  }

  /** What has come and was not told yet. */
  *pending(): Iterable<HubMessage> {
    yield* pendingOf<HubMessage>(this.#channel);
  }

  close(): void {
    this.#channel.close();
  }
}

/** What has come over a channel in this turn of the event loop. */
export function* pendingOf<T>(channel: BroadcastChannel): Iterable<T> {
  // The types of Node 20 forget that a BroadcastChannel may be passed here.
  const port = channel as unknown as Parameters<typeof receiveMessageOnPort>[0];
  for (let news = receiveMessageOnPort(port); news !== undefined; news = receiveMessageOnPort(port)) {
    yield news.message as T;
  }
}

/** Whether Node posts a thing to any number of threads at once. */
export function fitsBroadcast(thing: object): boolean {
  return types.isSharedArrayBuffer(thing) || Object.prototype.toString.call(thing) === '[object WebAssembly.Module]';
}

/** What is posted: a File arrives as a Blob before Node 24, without its name. */
export function asMessage(shared: SharedThing): SharedThing {
  const { thing } = shared;
  return thing instanceof File ? { ...shared, file: { name: thing.name, lastModified: thing.lastModified } } : shared;
}

/** The thing that was posted. */
export function thingOf({ thing, file }: SharedThing): object {
  if (file === undefined || thing instanceof File) return thing;
  const blob = thing as Blob;
  return new File([blob], file.name, { type: blob.type, lastModified: file.lastModified });
}
