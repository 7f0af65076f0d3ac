import { type InProcessChannel, InProcessNetwork } from '../../../src/transport/in-process.ts';
import { prove } from '../../../src/transport/proof/prove.ts';
import type { Fabric } from './fabric.ts';
import { frameTests } from './frames.ts';
import { proofTests } from './proof.ts';
import { sessionTests } from './sessions.ts';

/** Actions of the network, and timers, on a clock of the tests. */
class World {
  #queue: (() => void)[] = [];
  #held = false;
  #running = false;
  #timers = new Set<{ readonly at: number; readonly action: () => void }>();
  #now = 0;

  readonly network = new InProcessNetwork(
    (action, kind) => {
      if (kind === 'local') {
        queueMicrotask(action);
        return;
      }
      this.#queue.push(action);
      this.#run();
    },
    (milliseconds, action) => {
      const timer = { at: this.#now + milliseconds, action };
      this.#timers.add(timer);
      return () => void this.#timers.delete(timer);
    },
  );

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    queueMicrotask(() => {
      this.#running = false;
      while (!this.#held && this.#queue.length > 0) this.#queue.shift()?.();
    });
  }

  hold(held: boolean): void {
    this.#held = held;
    this.#run();
  }

  pass(milliseconds: number): void {
    this.#now += milliseconds;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now) continue;
      this.#timers.delete(timer);
      timer.action();
    }
  }
}

const world = new World();
const { network } = world;

const fabric: Fabric = {
  listen: (self, accept, port) => network.listen(self, accept, port),
  connect: ({ port }, self, accept) => network.connect(port, self, accept),
  async raw({ port }) {
    const channel = network.raw(port) as InProcessChannel;
    let got!: (frame: Uint8Array) => void;
    const first = new Promise<Uint8Array>((resolve) => {
      got = resolve;
    });
    const closed = new Promise<{ code: string; text: string }>((resolve) => {
      channel.handlers = { frame: (bytes) => got(bytes.slice()), drained: () => {}, closed: resolve };
    });
    return { send: (frame) => void channel.send(frame), closed, first, end: () => channel.close('done', 'done') };
  },
  deaf({ port }, self, heard) {
    const channel = network.raw(port) as InProcessChannel;
    return new Promise((resolve, reject) => {
      prove(channel, 'dialer', self, {
        accept: () => {
          // The other side learns of the proof in the same turn.
          world.hold(true);
          resolve({
            hear: () => world.hold(false),
            end: () => {
              world.hold(false);
              channel.close('done', 'done');
            },
          });
          return { frame: (bytes) => heard(bytes.slice()), drained: () => {}, closed: () => {} };
        },
        failed: ({ text }) => reject(new Error(text)),
      });
    });
  },
  async connectToCut({ port }, self, accept) {
    const channel = await network.connect(port, self, accept);
    return () => (channel as InProcessChannel).cut();
  },
  pass: async (milliseconds) => world.pass(milliseconds),
};

frameTests('in-process', () => fabric);
proofTests('in-process', () => fabric);
sessionTests('in-process', () => fabric);
