import type { Accept, Channel, Closed, Handlers, Listener, Self } from '../../../src/transport/ports.ts';

/** A peer that speaks in single frames, and need not behave. */
export interface RawPeer {
  send(frame: Uint8Array): void;
  /** Resolves once the connection is gone, with what the other side said. */
  readonly closed: Promise<{ readonly code: string; readonly text: string }>;
  /** The first frame that came. */
  readonly first: Promise<Uint8Array>;
  end(): void;
}

/** One implementation of channels, as the suite uses it. */
export interface Fabric {
  /** Whether another listener can have a listener's port when that has stopped. Without a word: yes. */
  readonly freesPort?: boolean;
  listen(self: Self, accept: Accept, port?: number): Promise<Listener>;
  connect(listener: Listener, self: Self, accept: Accept): Promise<Channel>;
  raw(listener: Listener): Promise<RawPeer>;
  /** A dialer that proves the token and reads nothing from then on, until `hear`; then `heard` gets the frames. */
  deaf(listener: Listener, self: Self, heard: (frame: Uint8Array) => void): Promise<{ hear(): void; end(): void }>;
  /** As `connect`; what it gives breaks the connection without a word. */
  connectToCut(listener: Listener, self: Self, accept: Accept): Promise<() => void>;
  /** Lets time pass. */
  pass(milliseconds: number): Promise<void>;
}

/** A watchdog for each test. */
export const limit: { readonly timeout: number } = { timeout: 30_000 };

export const token = 'a token of the tests';
let nodes = 0;

/** A fresh process of the cluster. */
export function selfOf(overrides: Partial<Self> = {}): Self {
  nodes += 1;
  return { nodeId: nodes.toString(16).padStart(16, '0'), version: '0.1.0', token, ...overrides };
}

/** Keeps what comes over a channel. */
export class Ear {
  readonly frames: Uint8Array[] = [];
  drains = 0;
  channel!: Channel;
  peer!: { readonly nodeId: string };
  readonly closed: Promise<Closed>;
  readonly #resolve: (closed: Closed) => void;

  constructor() {
    let resolve!: (closed: Closed) => void;
    this.closed = new Promise((done) => {
      resolve = done;
    });
    this.#resolve = resolve;
  }

  readonly accept: Accept = (channel, peer): Handlers => {
    this.channel = channel;
    this.peer = peer;
    return {
      frame: (bytes) => void this.frames.push(bytes.slice()),
      drained: () => {
        this.drains += 1;
      },
      closed: this.#resolve,
    };
  };
}

/** A listener and one channel to it, with both ears. */
export async function pair(fabric: Fabric): Promise<{ listener: Listener; near: Ear; far: Ear }> {
  const far = new Ear();
  const near = new Ear();
  const listener = await fabric.listen(selfOf(), far.accept);
  await fabric.connect(listener, selfOf(), near.accept);
  return { listener, near, far };
}
