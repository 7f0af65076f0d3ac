import { entry, writeUnnamed } from '../../../src/agent/wire/entries.ts';
import { EntryWriter } from '../../../src/agent/wire/entry.ts';
import { transportDecoder } from '../../../src/transport/messages/transport-table.ts';
import {
  type SessionEffect,
  type SessionEvent,
  type Sessions as State,
  sessionsOf,
} from '../../../src/transport/session/state.ts';
import { sessionStep } from '../../../src/transport/session/step.ts';
import type { Input } from '../program.ts';
import type { Bug } from './bugs.ts';
import { type Io, nodeIdOf } from './io.ts';
import { type Buffers, type Fetch, type Frame, isBuffers, isClose, isFetch } from './messages.ts';

/** What the owner of a node's sessions does. */
export interface SessionsOwner {
  /** The host of a node that lives, by the node table. */
  hostOf(node: string): string | undefined;
  deliver(from: string, body: Uint8Array): void;
  go(to: string): void;
  ended(peer: string, text: string): void;
  /** Something of the data plane has come. */
  data(from: string, message: Fetch | Buffers): void;
}

/** The sessions of a node as they are, on channels. What `transport/session/runner.ts` does. */
export class PeerSessions {
  readonly state: State;
  readonly #io: Io;
  readonly #owner: SessionsOwner;
  readonly #bug: Bug | undefined;
  readonly #effects: SessionEffect[] = [];
  #running = false;
  /** Nodes that are being dialled, by host, the oldest first. */
  readonly #dials = new Map<string, string[]>();
  /** Peers with a new link, on which nothing has come. */
  readonly #drops = new Set<string>();

  constructor(io: Io, self: string, bug: Bug | undefined, owner: SessionsOwner) {
    this.#io = io;
    this.state = sessionsOf(self);
    this.#bug = bug;
    this.#owner = owner;
  }

  hear(input: Input): void {
    switch (input.on) {
      case 'open':
        this.#open(input);
        break;
      case 'refused': {
        const node = this.#dials.get(input.to)?.shift();
        if (node !== undefined) this.give({ type: 'dialFailed', to: node });
        break;
      }
      case 'message': {
        const { channel: link, message } = input;
        if (!this.state.links.has(link)) break;
        if (isFetch(message) || isBuffers(message)) {
          const peer = this.state.links.get(link)?.peer;
          if (peer !== undefined) this.#owner.data(peer, message);
        } else if (isClose(message)) {
          this.give({ type: 'closed', link, code: message.code as 'ended', text: message.text });
        } else {
          this.#twice(link, message as Frame);
          // A receiver may not keep what it is given.
          this.give({ type: 'frame', link, bytes: (message as Frame).frame.slice() });
        }
        break;
      }
      case 'closed':
        this.give({ type: 'closed', link: input.channel, code: 'lost', text: 'the channel has ended' });
        break;
      default:
        break;
    }
  }

  /** Planted: what has come is given on once more. */
  #twice(link: number, { frame }: Frame): void {
    const peer = this.state.links.get(link)?.peer;
    const session = peer === undefined ? undefined : this.state.live.get(peer);
    if (this.#bug !== 'frame that came twice delivered twice' || session?.link?.id !== link) return;
    const { name, values } = transportDecoder.decode(frame, 'dialer');
    if (name === 'NUMBERED' && values.n <= session.received) this.#owner.deliver(session.peer, values.body);
  }

  #open({ channel: link, peer, dialled }: Extract<Input, { on: 'open' }>): void {
    const node = nodeIdOf(peer);
    if (dialled) {
      const dials = this.#dials.get(peer.host) ?? [];
      const at = dials.indexOf(node);
      if (at < 0) {
        // Another process has the address now.
        this.#io.close(link, 'protocol', 'another node is meant');
        const meant = dials.shift();
        if (meant !== undefined) this.give({ type: 'dialFailed', to: meant });
        return;
      }
      dials.splice(at, 1);
    }
    this.#drops.add(node);
    this.give({ type: 'connected', link, peer: node, dialed: dialled });
  }

  /** Sends something of the data plane, if there is a link. */
  sendData(to: string, message: Fetch | Buffers): void {
    const live = this.state.live.get(to);
    if (live?.link !== undefined) this.#io.send(live.link.id, message);
    else if (live === undefined) this.#reach(to);
  }

  /** Begins a session with a node, for what the data plane does there: an entry that means nothing. */
  #reach(to: string): void {
    const nothing = new EntryWriter();
    writeUnnamed(nothing, 0);
    this.send(to, nothing.take());
  }

  send(to: string, body: Uint8Array): 'taken' | 'wait' | 'full' | 'ended' {
    let is: 'taken' | 'wait' | 'full' | 'ended' = 'taken';
    for (const effect of this.give({ type: 'send', to, body, withRefs: false })) {
      if (effect.type === 'refused') is = effect.why;
      else if (effect.type === 'wait') is = 'wait';
    }
    return is;
  }

  /** Effects are carried out in order, also where the owner sends while it is told something. */
  give(event: SessionEvent): readonly SessionEffect[] {
    const effects = sessionStep(this.state, event, this.#io);
    this.#effects.push(...effects);
    if (this.#running) return effects;
    this.#running = true;
    for (const next of this.#effects) this.#carryOut(next);
    this.#effects.length = 0;
    this.#running = false;
    return effects;
  }

  #carryOut(effect: SessionEffect): void {
    switch (effect.type) {
      case 'transmit':
        this.#io.send(effect.link, { type: nameOf(effect.frame), frame: effect.frame } as Frame);
        break;
      case 'close':
        this.#io.close(effect.link, effect.code, effect.text);
        break;
      case 'dial':
        this.#dial(effect.to);
        break;
      case 'wake':
        this.#io.at('sessions', effect.at);
        break;
      case 'deliver': {
        const drops = this.#drops.delete(effect.from) && effect.n > 1;
        if (drops && this.#bug === 'first frame on a new link dropped') break;
        this.#owner.deliver(effect.from, effect.body);
        break;
      }
      case 'go':
        this.#owner.go(effect.to);
        break;
      case 'ended':
        this.#owner.ended(effect.peer, effect.text);
        break;
      default:
        break;
    }
  }

  #dial(node: string): void {
    const host = this.#owner.hostOf(node);
    if (host === undefined) {
      this.give({ type: 'dialFailed', to: node });
      return;
    }
    this.#dials.set(host, [...(this.#dials.get(host) ?? []), node]);
    this.#io.do({ do: 'dial', to: host });
  }
}

const names = new Map<number, string>([
  [entry.template, 'TEMPLATE'],
  [entry.code, 'CODE'],
  [entry.run, 'RUN'],
  [entry.answer, 'ANSWER'],
  [entry.cancel, 'CANCEL'],
  [entry.settled, 'SETTLED'],
  [entry.runNamed, 'RUN_NAMED'],
  [entry.answerNamed, 'ANSWER_NAMED'],
  [entry.fetched, 'FETCHED_ENTRY'],
  [entry.unnamed, 'UNNAMED'],
  [entry.stays, 'STAYS'],
  [entry.dropped, 'DROPPED'],
  [entry.unplaced, 'UNPLACED'],
  [entry.leaving, 'LEAVING'],
  [entry.waits, 'WAITS'],
  [entry.recall, 'RECALL'],
]);
const common: readonly string[] = ['RUN', 'ANSWER', 'SETTLED'];

/** The name of a frame: that of one of its entries, a rare one if there is one. */
function nameOf(frame: Uint8Array): string {
  const { name, values } = transportDecoder.decode(frame, 'dialer');
  if (name !== 'NUMBERED') return name;
  const { body, n } = values;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const all = new Set<string>();
  for (let at = 0; at < body.length; at += 4 + view.getUint32(at, true)) {
    all.add(names.get(view.getUint8(at + 4)) ?? 'an entry that nobody sends');
  }
  const rare = [...all].filter((each) => !common.includes(each));
  const choice = rare.length > 0 ? rare : [...all];
  return choice[n % choice.length] as string;
}
