import type { Granted } from '../../../src/agent/ports.ts';
import type { JobRow, NodeRow } from '../../../src/gcs/tables/members.ts';
import { encode } from '../../../src/transport/messages/message.ts';
import { granted, load as loadBody, nodeFacts, wanted as wantedBody } from '../../../src/wire/bodies.ts';
import { type MemberEffect, type MemberEvent, member, newMember } from '../../../src/wire/member.ts';
import type { Load, NodeFacts, Wanted, Granted as WordOfHead } from '../../../src/wire/ports.ts';
import { type HeadMessages, headDecoder, headTable } from '../../../src/wire/table.ts';
import type { Input, Message } from '../program.ts';
import { Violation } from '../scenario.ts';
import type { Io } from './io.ts';
import { type Frame, isClose, isRows } from './messages.ts';

/** What an agent hears of the head. */
export interface HeadListener {
  rows(whole: boolean, nodes: readonly NodeRow[], jobs: readonly JobRow[]): void;
  registered(reconnectMs: number): void;
  job(job: number): void;
  granted(words: readonly Granted[]): void;
  askAll(fresh: boolean): void;
}

/** A process's connection to the head, made again whenever it breaks: the member's step as it is. What `wire/head-link.ts` does. */
export class MemberLink {
  readonly #io: Io;
  readonly #listener: HeadListener;
  readonly #facts: NodeFacts;
  readonly #member = newMember();
  #channel: number | undefined;
  #wait = 20;
  #scheduler = 0;
  #begun = false;
  /** The life before this one on the same host, of which its supervisor says that it has ended. */
  #exited: string | undefined;

  constructor(io: Io, facts: NodeFacts, exited: string | undefined, listener: HeadListener) {
    this.#io = io;
    this.#facts = facts;
    this.#exited = exited;
    this.#listener = listener;
  }

  dial(): void {
    this.#io.do({ do: 'dial', to: 'head' });
  }

  refused(): void {
    if (this.#channel !== undefined) return;
    this.#io.at('dial', this.#io.now + this.#wait * (0.5 + this.#io.random()));
    this.#wait = Math.min(2 * this.#wait, 1000);
  }

  open(channel: number): void {
    this.#channel = channel;
    this.#wait = 20;
    this.#step({ kind: 'up' });
    if (this.#exited !== undefined) {
      const what = { cause: 'its process ended', known: false, begun: new Uint8Array(0) };
      this.#say('EXITED', { node: this.#exited, ...what });
    }
    this.#exited = undefined;
  }

  /** Whether the input is of this channel. */
  hear(input: Input): boolean {
    if (!('channel' in input) || input.channel !== this.#channel) return false;
    if (input.on === 'closed') this.#down();
    else if (input.on === 'message') this.#message(input.message);
    return true;
  }

  #down(): void {
    this.#channel = undefined;
    this.#step({ kind: 'down' });
    this.refused();
  }

  #message(message: Message): void {
    if (isClose(message)) {
      if (message.code === 'dead') this.#io.do({ do: 'exit', why: `declared dead: ${message.text}` });
      else this.#down();
    } else if (isRows(message)) {
      this.#listener.rows(message.whole, message.nodes, message.jobs);
      if (!this.#begun) this.#step({ kind: 'register', body: nodeFacts.write(this.#facts) });
      this.#begun = true;
    } else this.#frame((message as Frame).frame);
  }

  #frame(frame: Uint8Array): void {
    const message = headDecoder.decode(frame, 'acceptor');
    switch (message.name) {
      case 'REGISTERED':
        this.#step({ kind: 'registered', ...message.values });
        break;
      case 'REPORTED':
        this.#step({ kind: 'reported', ...message.values });
        break;
      case 'JOB_IS':
        this.#step({ kind: 'job-is', ...message.values });
        break;
      case 'GRANTED':
        this.#listener.granted(granted.read(message.values.body).flatMap(wordOf));
        break;
      case 'ASK_ALL':
        this.#listener.askAll(message.values.scheduler !== this.#scheduler);
        this.#scheduler = message.values.scheduler;
        break;
      case 'SUSPECTED':
        break;
      default:
        throw new Violation(`the head says ${message.name} to a node`);
    }
  }

  registerJob(): void {
    this.#step({ kind: 'job', facts: { no: 1, name: 'program', namespace: '' } });
  }

  report(load: Load, soon: boolean): void {
    const once = loadBody.write(load);
    this.#step({ kind: 'report', load: { once, repeat: loadBody.write({ ...load, means: [], bytesPerMs: 0 }) }, soon });
  }

  request(wanted: Wanted): void {
    if (this.#member.registered) this.#say('REQUEST', { body: wantedBody.write(wanted) });
  }

  complain(of: string, why: string): void {
    this.#step({ kind: 'complain', of, why: why.slice(0, 256) });
  }

  buried(node: string): void {
    this.#step({ kind: 'buried', node });
  }

  tick(): void {
    this.#step({ kind: 'tick' });
  }

  #step(event: MemberEvent): void {
    for (const effect of member(this.#member, event, this.#io)) this.#do(effect);
  }

  #do(effect: MemberEffect): void {
    switch (effect.kind) {
      case 'register':
        this.#say('REGISTER', effect);
        break;
      case 'report':
        this.#say('REPORT', effect);
        break;
      case 'job':
        this.#say('JOB', effect.facts);
        break;
      case 'complain':
        this.#say('COMPLAIN', effect);
        break;
      case 'is-registered':
        this.#listener.registered(effect.reconnectMs);
        break;
      case 'job-known':
        this.#listener.job(effect.job);
        break;
      case 'wake':
        this.#io.at('member', effect.at);
        break;
      default:
        break;
    }
  }

  #say<K extends keyof HeadMessages>(type: K, values: HeadMessages[K]): void {
    if (this.#channel === undefined) return;
    this.#io.send(this.#channel, { type, frame: encode(headTable[type], values) } as Frame);
  }
}

function wordOf(word: WordOfHead): Granted[] {
  if (word.kind === 'grant') return [word];
  if (word.kind === 'assign' || !('line' in word.about)) return [];
  const { line } = word.about;
  return word.kind === 'infeasible' ? [{ kind: 'infeasible', line }] : [{ kind: 'node-died', line, node: word.node }];
}
