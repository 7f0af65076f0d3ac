import { ChannelFaults } from './channel-faults.ts';
import { Channels } from './channels.ts';
import type { Coverage } from './coverage.ts';
import { Datagrams } from './datagrams.ts';
import { Links, weather } from './links.ts';
import { messageProblem } from './messages.ts';
import type { Process } from './process.ts';
import type { Message } from './program.ts';
import { type Protocol, Violation } from './scenario.ts';
import { Seam } from './seam.ts';
import { showMessage } from './trace.ts';
import type { World } from './world.ts';

/** All that is between processes. Messages must be as the table of the protocol says. */
export class Network {
  readonly links: Links;
  readonly seam: Seam;
  readonly #world: World;
  readonly #protocol: Protocol;
  readonly #coverage: Coverage;
  readonly #channels: Channels;
  readonly #onChannels: ChannelFaults;
  readonly #datagrams: Datagrams;

  constructor(world: World, protocol: Protocol, coverage: Coverage) {
    this.#world = world;
    this.#protocol = protocol;
    this.#coverage = coverage;
    this.links = new Links(world.chance('links'), weather(world.chance('weather')));
    this.seam = new Seam(world, protocol.messages, coverage);
    this.#channels = new Channels(world, this.links);
    this.#onChannels = new ChannelFaults(world, this.#channels, this.seam);
    this.#datagrams = new Datagrams(world, this.links, this.seam);
    this.links.onCut = (from, to) => this.#channels.linkCut(from, to);
    this.links.onHeal = (from, to) => this.#channels.resume(from, to);
  }

  dial(from: Process, to: string): void {
    this.#channels.dial(from, to);
  }

  /** What is sent on a channel that has ended is lost. */
  send(from: Process, channel: number, message: Message): void {
    const end = this.#channels.sendingEnd(from, channel);
    this.#world.trace.add(this.#world.time, from.self.id, end === undefined ? '< void' : '< send', () => {
      return `ch${channel} ${showMessage(message)}`;
    });
    if (end === undefined) return;
    this.#onChannels.send(end, this.#carried(message, 'channel', from, this.#channels.peer(end)));
  }

  datagram(from: Process, to: string, message: Message): void {
    this.#world.trace.add(this.#world.time, from.self.id, '< dgram', () => `to ${to} ${showMessage(message)}`);
    this.#datagrams.send(from, to, this.#carried(message, 'datagram', from, this.#world.roleOf(to)));
  }

  close(from: Process, channel: number): void {
    this.#channels.close(from, channel);
  }

  processStarted(host: string): void {
    this.#datagrams.started(host);
  }

  processEnded(process: Process, silent: boolean): void {
    this.#channels.processEnded(process, silent);
  }

  /** The message as its receiver has it. */
  #carried(message: Message, by: 'channel' | 'datagram', from: Process, to: string): Message {
    const { messages, wire } = this.#protocol;
    const problem = messageProblem(messages, message, from.self.role, to);
    if (problem !== undefined) throw new Violation(`${from.self.id} sends what the table does not have: ${problem}`);
    if (messages[message.type]?.by !== by) throw new Violation(`${message.type} does not go by ${by}`);
    this.#coverage.sent(message.type);
    const arrives = wire === undefined ? message : wire.decode(wire.encode(message));
    freeze(arrives);
    return arrives;
  }
}

/** A message belongs to two processes: who changes it afterwards changes what the other has, which no network does. */
function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const held of Object.values(value)) freeze(held);
}
