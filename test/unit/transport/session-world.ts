import assert from 'node:assert/strict';
import type { CloseCode } from '../../../src/transport/ports.ts';
import {
  HELD_BYTES,
  type SessionEffect,
  type SessionEvent,
  type Sessions,
  sessionsOf,
} from '../../../src/transport/session/state.ts';
import { sessionStep } from '../../../src/transport/session/step.ts';
import { Random } from '../../support/random.ts';

/** What happened in all worlds: a model that a fault never reaches proves nothing about it. */
export const happened = {
  delivered: 0,
  held: 0,
  lost: 0,
  duplicated: 0,
  cut: 0,
  halfOpen: 0,
  crossed: 0,
  dialFailed: 0,
  full: 0,
  gone: 0,
  ended: 0,
  dead: 0,
  restarted: 0,
  outOfReach: 0,
};

export interface End {
  readonly node: Node;
  readonly link: number;
  /** Whether this end still hears and may speak. */
  up: boolean;
  other: End;
  /** Nothing arrives before what was sent before it. */
  arrivesAt: number;
}

export interface Node {
  readonly id: string;
  readonly sessions: Sessions;
  readonly ends: Map<number, End>;
  lastLink: number;
  wakeAt: number;
  alive: boolean;
  /** By peer: what was accepted for it, what came from it, messages whose refs must be held, and how its session ended. */
  readonly accepted: Map<string, number>;
  readonly delivered: Map<string, number>;
  readonly numbered: Map<string, Set<number>>;
  readonly held: Map<string, Set<number>>;
  readonly ended: Map<string, string>;
  readonly waiting: Set<string>;
}

/** Nodes, links and faults on a clock of its own. One seed, one history. */
export class SessionWorld {
  readonly random: Random;
  readonly nodes: Node[] = [];
  faults = true;
  readonly #reachMs: number;
  #now = 0;
  #made = 0;
  /** What is to be done in each millisecond, in the order in which it was put down. */
  readonly #agenda = new Map<number, (() => void)[]>();

  constructor(seed: number, nodes: number, reachMs: number) {
    this.random = new Random(seed);
    this.#reachMs = reachMs;
    for (let n = 0; n < nodes; n += 1) this.start();
  }

  start(): Node {
    this.#made += 1;
    // Ids in no order: which one is lower matters.
    const id = (this.random.below(0xffff) * 0x10000 + this.#made).toString(16).padStart(16, '0');
    const node: Node = {
      id,
      sessions: { ...sessionsOf(id), reachMs: this.#reachMs },
      ends: new Map(),
      lastLink: 0,
      wakeAt: Number.POSITIVE_INFINITY,
      alive: true,
      accepted: new Map(),
      delivered: new Map(),
      numbered: new Map(),
      held: new Map(),
      ended: new Map(),
      waiting: new Set(),
    };
    this.nodes.push(node);
    return node;
  }

  get living(): Node[] {
    return this.nodes.filter((node) => node.alive);
  }

  in(milliseconds: number, action: () => void): void {
    const at = Math.ceil(this.#now + milliseconds);
    const actions = this.#agenda.get(at);
    if (actions === undefined) this.#agenda.set(at, [action]);
    else actions.push(action);
  }

  /** Runs everything up to a time from now. */
  run(milliseconds: number): void {
    for (const end = this.#now + milliseconds; this.#now <= end; this.#now += 1) {
      // Grows while it is worked through.
      for (const action of this.#agenda.get(this.#now) ?? []) action();
      this.#agenda.delete(this.#now);
    }
  }

  give(node: Node, event: SessionEvent): void {
    if (!node.alive) return;
    const effects = sessionStep(node.sessions, event, { now: this.#now, random: () => this.random.next() });
    for (const effect of effects) this.#carryOut(node, effect);
    for (const session of node.sessions.live.values()) {
      assert.ok(session.unacknowledgedBytes <= HELD_BYTES + 1000, `${session.unacknowledgedBytes} bytes`);
    }
  }

  /** The owner sends message number `accepted` of the pair, if it is taken. */
  send(from: Node, to: string, size: number, withRefs: boolean): void {
    const count = from.accepted.get(to) ?? 0;
    const body = new Uint8Array(4 + size);
    new DataView(body.buffer).setUint32(0, count);
    from.accepted.set(to, count + 1);
    this.#sending = { from, to };
    this.give(from, { type: 'send', to, body, withRefs });
  }
  #sending: { readonly from: Node; readonly to: string } | undefined;

  #carryOut(node: Node, effect: SessionEffect): void {
    switch (effect.type) {
      case 'transmit':
        this.#transmit(node, effect.link, effect.frame);
        break;
      case 'close':
        this.#close(node, effect.link, effect.code, effect.text);
        break;
      case 'dial':
        this.#dial(node, effect.to);
        break;
      case 'wake':
        this.#wake(node, effect.at);
        break;
      case 'deliver': {
        const count = node.delivered.get(effect.from) ?? 0;
        const said = new DataView(effect.body.buffer, effect.body.byteOffset).getUint32(0);
        assert.equal(said, count, `${effect.from} → ${node.id}: message ${said} came instead of ${count}`);
        node.delivered.set(effect.from, count + 1);
        happened.delivered += 1;
        if (effect.withRefs) {
          const { from, n } = effect;
          this.in(this.random.below(3000), () => this.give(node, { type: 'hold', from, n }));
        }
        break;
      }
      case 'numbered':
        into(node.numbered, effect.to).add(effect.n);
        break;
      case 'held':
        assert.ok(into(node.numbered, effect.by).has(effect.n));
        assert.equal(into(node.held, effect.by).has(effect.n), false, 'held twice');
        into(node.held, effect.by).add(effect.n);
        happened.held += 1;
        break;
      case 'refused':
        assert.deepEqual(this.#sending, { from: node, to: effect.to });
        node.accepted.set(effect.to, (node.accepted.get(effect.to) ?? 0) - 1);
        if (effect.why === 'full') {
          happened.full += 1;
          node.waiting.add(effect.to);
        }
        break;
      case 'wait':
        node.waiting.add(effect.to);
        break;
      case 'go':
        assert.ok(node.waiting.delete(effect.to), 'it did not wait');
        happened.gone += 1;
        break;
      case 'ended':
        assert.equal(node.ended.has(effect.peer), false, 'ended twice');
        assert.notEqual(effect.text, '');
        node.ended.set(effect.peer, effect.text);
        node.waiting.delete(effect.peer);
        happened.ended += 1;
        if (effect.text.includes('acknowledged nothing')) happened.outOfReach += 1;
        break;
    }
  }

  /** As the edge does: one timer for the earliest time, and it may fire a little too soon. */
  #wake(node: Node, at: number): void {
    if (at >= node.wakeAt) return;
    node.wakeAt = at;
    const early = this.random.below(3) === 0 && at - this.#now > 1 ? 1 : 0;
    this.in(Math.max(0, at - this.#now - early), () => {
      if (node.wakeAt !== at) return;
      node.wakeAt = Number.POSITIVE_INFINITY;
      this.give(node, { type: 'woken' });
    });
  }

  #transmit(node: Node, link: number, frame: Uint8Array): void {
    const end = node.ends.get(link);
    if (end === undefined || !end.up) return;
    if (this.faults && this.random.below(200) === 0) {
      happened.lost += 1;
      return;
    }
    let times = 1;
    if (this.faults && this.random.below(100) === 0) {
      happened.duplicated += 1;
      times = 2;
    }
    for (; times > 0; times -= 1) {
      this.#arrive(end, () => {
        if (end.other.up) this.give(end.other.node, { type: 'frame', link: end.other.link, bytes: frame.slice() });
      });
    }
  }

  #arrive(end: End, action: () => void): void {
    const latency = this.faults && this.random.below(20) === 0 ? this.random.below(500) : 1 + this.random.below(5);
    end.arrivesAt = Math.max(end.arrivesAt, this.#now + latency);
    this.in(end.arrivesAt - this.#now, action);
  }

  #close(node: Node, link: number, code: CloseCode, text: string): void {
    const end = node.ends.get(link);
    if (end === undefined || !end.up) return;
    end.up = false;
    const lost = this.faults && this.random.below(4) === 0;
    this.#arrive(end, () => this.#down(end.other, lost ? 'lost' : code, text));
  }

  #down(end: End, code: CloseCode, text: string): void {
    if (!end.up) return;
    end.up = false;
    this.give(end.node, { type: 'closed', link: end.link, code, text });
  }

  #dial(node: Node, to: string): void {
    const peer = this.nodes.find(({ id }) => id === to);
    this.in(1 + this.random.below(10), () => {
      if (!node.alive) return;
      if (peer === undefined || !peer.alive || (this.faults && this.random.below(4) === 0)) {
        happened.dialFailed += 1;
        this.give(node, { type: 'dialFailed', to });
        return;
      }
      if (peer.sessions.live.get(node.id)?.dialing) happened.crossed += 1;
      const near = this.#end(node);
      const far = this.#end(peer);
      near.other = far;
      far.other = near;
      const nearIn = this.random.below(10);
      far.arrivesAt = this.#now + nearIn;
      this.in(nearIn, () => {
        if (near.up) this.give(node, { type: 'connected', link: near.link, peer: to, dialed: true });
        else this.give(node, { type: 'dialFailed', to });
      });
      // What one says arrives when the other knows of the link.
      const acceptedIn = this.random.below(10);
      near.arrivesAt = this.#now + acceptedIn;
      this.in(acceptedIn, () => {
        if (far.up) this.give(peer, { type: 'connected', link: far.link, peer: node.id, dialed: false });
      });
    });
  }

  #end(node: Node): End {
    node.lastLink += 1;
    const end: End = { node, link: node.lastLink, up: true, other: undefined as unknown as End, arrivesAt: 0 };
    node.ends.set(end.link, end);
    return end;
  }

  /** Breaks a link: what is under way is lost. Half open: only one end learns of it soon. */
  cut(halfOpen: boolean): void {
    const up = this.living.flatMap(({ ends }) => [...ends.values()].filter((end) => end.up && end.other.up));
    const end = up[this.random.below(up.length)];
    if (end === undefined) return;
    happened.cut += 1;
    // Nothing passes from now on, and the ends learn of it one after the other.
    const [one, two] = [{ ...end }, { ...end.other }];
    end.up = false;
    end.other.up = false;
    const tell = ({ node, link }: End, delay: number): void => {
      this.in(delay, () => this.give(node, { type: 'closed', link, code: 'lost', text: 'cut' }));
    };
    tell(one, this.random.below(50));
    if (halfOpen) happened.halfOpen += 1;
    tell(two, halfOpen ? 10_000 + this.random.below(60_000) : this.random.below(50));
  }

  /** A process ends and another one starts; the others are told that the first is dead, each in its time. */
  restart(node: Node): void {
    happened.restarted += 1;
    node.alive = false;
    for (const end of node.ends.values()) {
      if (!end.up) continue;
      end.up = false;
      this.in(this.random.below(100), () => this.#down(end.other, 'lost', 'its process ended'));
    }
    for (const other of this.living) this.declareDead(other, node.id);
    this.start();
  }

  declareDead(to: Node, node: string): void {
    this.in(this.random.below(2000), () => {
      happened.dead += 1;
      this.give(to, { type: 'dead', node });
    });
  }
}

function into(sets: Map<string, Set<number>>, key: string): Set<number> {
  let set = sets.get(key);
  if (set === undefined) {
    set = new Set();
    sets.set(key, set);
  }
  return set;
}
