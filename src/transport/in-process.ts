import { queueMicrotask } from '../common/timers.ts';
import { BaseChannel } from './base-channel.ts';
import { cannotConnect, cannotListen, refused } from './errors.ts';
import { CLOSE_MS, FRAME_COST } from './limits.ts';
import type { Accept, Channel, CloseCode, Listener, Self } from './ports.ts';
import { type After, Gate, realTime } from './proof/gate.ts';
import { prove } from './proof/prove.ts';

/**
 * What decides when something happens. Actions of one kind must run in the order in which they came. `arrival`: something reaches
 * the other end; a network may be slow with it. `local`: an end tells its own process.
 */
export type Schedule = (action: () => void, kind: 'arrival' | 'local') => void;

/** One end of a pair. What is sent lies in the way until `schedule` lets it arrive; so `unsent` is what has not arrived. */
class InProcessChannel extends BaseChannel {
  other!: InProcessChannel;
  readonly #schedule: Schedule;
  readonly #after: After;
  #unsent = 0;
  #gone = false;

  constructor(address: string, schedule: Schedule, after: After) {
    super(address);
    this.#schedule = schedule;
    this.#after = after;
  }

  get unsent(): number {
    return this.#unsent;
  }

  protected write(frame: Uint8Array): void {
    const cost = frame.length + FRAME_COST;
    this.#unsent += cost;
    this.#schedule(() => {
      if (this.#gone) return;
      this.#unsent -= cost;
      // A copy that is void when the call is over, as with other channels.
      const copy = new Uint8Array(frame);
      this.other.receive(copy);
      copy.fill(0xdd);
      this.left();
    }, 'arrival');
  }

  protected end(code: CloseCode, text: string, now: boolean): void {
    const told = (): void => {
      cancel();
      this.#gone = true;
      this.#unsent = 0;
      this.#schedule(() => this.ended(code, text), 'local');
    };
    const cancel = this.#after(CLOSE_MS, told);
    if (now) told();
    this.#schedule(() => {
      this.other.ended(now ? 'lost' : code, text);
      told();
    }, 'arrival');
  }

  /** Cuts the connection in both directions: what is in the way is lost, and neither end is told why. */
  cut(): void {
    for (const end of [this, this.other]) {
      end.#gone = true;
      this.#schedule(() => end.ended('lost', 'the connection was cut'), 'local');
    }
  }
}

interface Open {
  readonly self: Self;
  readonly accept: Accept;
  readonly gate: Gate;
  readonly channels: Set<InProcessChannel>;
}

/** The twin of the network: listeners and channels in one process, without sockets. One schedule gives one history. */
export class InProcessNetwork {
  readonly #schedule: Schedule;
  readonly #after: After;
  readonly #listeners = new Map<number, Open>();
  #lastPort = 0;

  constructor(schedule: Schedule = (action) => queueMicrotask(action), after: After = realTime) {
    this.#schedule = schedule;
    this.#after = after;
  }

  async listen(self: Self, accept: Accept, port = 0): Promise<Listener> {
    const chosen = port === 0 ? this.#freePort() : port;
    if (this.#listeners.has(chosen)) {
      throw cannotListen('in-process', chosen, Object.assign(new Error('taken'), { code: 'EADDRINUSE' }));
    }
    const open: Open = { self, accept, gate: new Gate(this.#after), channels: new Set() };
    this.#listeners.set(chosen, open);
    return {
      host: 'in-process',
      port: chosen,
      get unproven() {
        return open.gate.size;
      },
      stop: async () => {
        this.#listeners.delete(chosen);
        open.gate.clear();
        for (const channel of open.channels) channel.close('stopped', 'the listener stops');
      },
    };
  }

  #freePort(): number {
    do this.#lastPort += 1;
    while (this.#listeners.has(this.#lastPort));
    return this.#lastPort;
  }

  /** Connects and proves the token. `accept` is called before the promise resolves. */
  connect(port: number, self: Self, accept: Accept): Promise<Channel> {
    return new Promise((resolve, reject) => {
      const channel = this.raw(port);
      if (channel === undefined) {
        reject(cannotConnect(`in-process:${port}`, 'nobody listens there'));
        return;
      }
      prove(channel, 'dialer', self, {
        accept: (proven, peer) => {
          resolve(proven);
          return accept(proven, peer);
        },
        failed: (closed) => reject(refused(channel.address, closed)),
      });
    });
  }

  /** A channel whose other end has begun its handshake; for peers that do not behave. */
  raw(port: number): InProcessChannel | undefined {
    const open = this.#listeners.get(port);
    if (open === undefined) return undefined;
    const near = new InProcessChannel(`in-process:${port}`, this.#schedule, this.#after);
    const far = new InProcessChannel('in-process', this.#schedule, this.#after);
    near.other = far;
    far.other = near;
    const visitor = open.gate.enter((code, text) => far.close(code, text));
    open.channels.add(far);
    prove(far, 'acceptor', open.self, {
      proven: () => visitor.leave(),
      accept: (channel, peer) => {
        const handlers = open.accept(channel, peer);
        return {
          frame: (bytes) => handlers.frame(bytes),
          drained: () => handlers.drained(),
          closed: (closed) => {
            open.channels.delete(far);
            handlers.closed(closed);
          },
        };
      },
      failed: () => {
        visitor.leave();
        open.channels.delete(far);
      },
    });
    return near;
  }
}

export type { InProcessChannel };
