import type { Env } from '../../common/step.ts';
import { clearTimeout, now, setTimeout } from '../../common/timers.ts';
import type { Accept, Channel, Handlers, Peer } from '../ports.ts';
import { type SessionEffect, type SessionEvent, type Sessions, sessionsOf } from './state.ts';
import { sessionStep } from './step.ts';

/** What the owner of a node's sessions does. */
export interface SessionOwner {
  /** Connects to a node by its id, and gives the channel to `accept`. Rejects where it cannot. */
  dial(to: string, accept: Accept): Promise<unknown>;
  /** The bytes are valid until it returns. With refs, `hold` is called in time. */
  deliver(from: string, n: number, body: Uint8Array, withRefs: boolean): void;
  /** The peer holds the refs of message `n`. */
  held(by: string, n: number): void;
  /** There is room again. */
  go(to: string): void;
  ended(peer: string, text: string): void;
}

/** What became of a message. `n`: its number, if it has refs. */
export interface Sent {
  readonly is: 'taken' | 'taken, wait for go' | 'refused: full' | 'refused: ended';
  readonly n: number | undefined;
}

const env: Env = {
  get now() {
    return now();
  },
  random: Math.random,
};

/** Runs `sessionStep` on channels, a clock and a timer. */
export class SessionRunner {
  readonly #sessions: Sessions;
  readonly #owner: SessionOwner;
  readonly #channels = new Map<number, Channel>();
  readonly #effects: SessionEffect[] = [];
  #running = false;
  #lastLink = 0;
  #wakeAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(self: string, owner: SessionOwner) {
    this.#sessions = sessionsOf(self);
    this.#owner = owner;
  }

  /** For the listener of this node. */
  readonly accept: Accept = (channel, peer) => this.#connected(channel, peer, false);

  send(to: string, body: Uint8Array, withRefs: boolean): Sent {
    let is: Sent['is'] = 'taken';
    let n: number | undefined;
    for (const effect of this.#give({ type: 'send', to, body, withRefs })) {
      if (effect.type === 'refused') is = `refused: ${effect.why}`;
      else if (effect.type === 'wait') is = 'taken, wait for go';
      else if (effect.type === 'numbered') n = effect.n;
    }
    return { is, n };
  }

  hold(from: string, n: number): void {
    this.#give({ type: 'hold', from, n });
  }

  dead(node: string): void {
    this.#give({ type: 'dead', node });
  }

  /** Whether the owner has said that the node is dead. */
  isDead(node: string): boolean {
    return this.#sessions.dead.has(node);
  }

  /** From now on a session ends with a peer that acknowledges nothing for so long. */
  reach(ms: number): void {
    this.#sessions.reachMs = ms;
  }

  end(peer: string, text: string): void {
    this.#give({ type: 'end', peer, text });
  }

  /** Closes all channels; no session goes on. */
  stop(): void {
    clearTimeout(this.#timer);
    for (const channel of this.#channels.values()) channel.close('stopped', 'the process ends');
    this.#channels.clear();
    this.#sessions.links.clear();
    this.#sessions.live.clear();
  }

  #connected(channel: Channel, peer: Peer, dialed: boolean): Handlers {
    this.#lastLink += 1;
    const link = this.#lastLink;
    this.#channels.set(link, channel);
    this.#give({ type: 'connected', link, peer: peer.nodeId, dialed });
    return {
      frame: (bytes) => void this.#give({ type: 'frame', link, bytes }),
      drained: () => {},
      closed: ({ code, text }) => {
        this.#channels.delete(link);
        this.#give({ type: 'closed', link, code, text });
      },
    };
  }

  /** Effects are carried out in order, also where the owner sends while it is told something. */
  #give(event: SessionEvent): readonly SessionEffect[] {
    const effects = sessionStep(this.#sessions, event, env);
    for (const effect of effects) this.#effects.push(effect);
    if (this.#running) return effects;
    this.#running = true;
    try {
      // Grows while it is worked through.
      for (const next of this.#effects) this.#carryOut(next);
    } finally {
      this.#effects.length = 0;
      this.#running = false;
    }
    return effects;
  }

  #carryOut(effect: SessionEffect): void {
    switch (effect.type) {
      case 'transmit':
        this.#channels.get(effect.link)?.send(effect.frame);
        break;
      case 'close':
        this.#channels.get(effect.link)?.close(effect.code, effect.text);
        break;
      case 'dial':
        this.#dial(effect.to);
        break;
      case 'wake':
        this.#wake(effect.at);
        break;
      case 'deliver':
        this.#owner.deliver(effect.from, effect.n, effect.body, effect.withRefs);
        break;
      case 'held':
        this.#owner.held(effect.by, effect.n);
        break;
      case 'go':
        this.#owner.go(effect.to);
        break;
      case 'ended':
        this.#owner.ended(effect.peer, effect.text);
        break;
      case 'numbered':
      case 'refused':
      case 'wait':
        // What `send` returns.
        break;
    }
  }

  #dial(to: string): void {
    let stranger = false;
    const accept: Accept = (channel, peer) => {
      if (peer.nodeId === to) return this.#connected(channel, peer, true);
      // Another process has the address now.
      stranger = true;
      channel.close('protocol', `node ${to} is meant`);
      return { frame: () => {}, drained: () => {}, closed: () => {} };
    };
    const failed = (): void => void this.#give({ type: 'dialFailed', to });
    this.#owner.dial(to, accept).then(() => {
      if (stranger) failed();
    }, failed);
  }

  #wake(at: number): void {
    if (at >= this.#wakeAt) return;
    clearTimeout(this.#timer);
    this.#wakeAt = at;
    this.#timer = setTimeout(
      () => {
        this.#wakeAt = Number.POSITIVE_INFINITY;
        this.#give({ type: 'woken' });
      },
      Math.max(0, at - now()),
    );
  }
}
