import type { Channels } from './channels.ts';
import { type End, otherEnd } from './ends.ts';
import type { Message } from './program.ts';
import type { Chance } from './random.ts';
import type { Seam } from './seam.ts';
import type { World } from './world.ts';

/** A message held back until its sender and its receiver have a newer channel. */
interface Held {
  readonly end: End;
  readonly message: Message;
}

/** Sends on channels: as they are, or as a fault of the seam makes it. */
export class ChannelFaults {
  readonly #world: World;
  readonly #channels: Channels;
  readonly #seam: Seam;
  readonly #chance: Chance;
  /** Ends whose next answer to a message of this type is lost. */
  readonly #answers = new Map<End, string>();
  readonly #held = new Set<Held>();

  constructor(world: World, channels: Channels, seam: Seam) {
    this.#world = world;
    this.#channels = channels;
    this.#seam = seam;
    this.#chance = world.chance('channel faults');
    channels.onHandled = (end) => this.#handled(end);
  }

  send(from: End, message: Message): void {
    const request = this.#answers.get(from);
    if (request !== undefined && this.#seam.answers(request, message.type)) {
      this.#answers.delete(from);
      this.#seam.count('answer lost', request, from.process);
      this.#lose(from);
      return;
    }
    const to = otherEnd(from);
    const { type } = message;
    const fault = this.#seam.take(type);
    const after = (): void => fault && this.#seam.count(fault, type, to.process);
    switch (fault) {
      case undefined:
        this.#channels.enqueue(to, message);
        break;
      case 'request lost':
        this.#seam.count(fault, type, from.process);
        this.#lose(from);
        break;
      case 'answer lost':
        this.#channels.enqueue(to, message, { before: () => this.#answers.set(to, type) });
        break;
      case 'executed, failed':
        this.#channels.enqueue(to, message, { after });
        this.#channels.enqueue(to, undefined);
        this.#fail(from);
        break;
      case 'twice':
        this.#channels.enqueue(to, message, { after: () => this.#channels.arrive(to, message, { after }) });
        break;
      case 'twice apart': {
        const again = (): void => this.#channels.arrive(to, message, { after });
        this.#channels.enqueue(to, message, { after: () => to.process.afterNext(again) });
        break;
      }
      case 'late':
        this.#hold(from, message);
        break;
    }
  }

  /** The channel ends here: what was sent before still arrives, of what comes back a part. */
  #lose(from: End): void {
    this.#channels.enqueue(otherEnd(from), undefined);
    this.#channels.breakTo(from, this.#chance.between(0, 50));
  }

  /** The sender hears at once that the channel has ended. */
  #fail(from: End): void {
    from.channel.broken = true;
    from.incoming.splice(0);
    this.#channels.tellClosed(from, 0);
  }

  /**
   * A receiver that accepted the channel still reads the old socket while the sender dials anew, so it hears of the end only after
   * the message. One that dialled must hear of it, or nobody would dial; then the message comes on a channel that it knows as closed.
   */
  #hold(from: End, message: Message): void {
    const end = otherEnd(from);
    const held: Held = { end, message };
    this.#held.add(held);
    this.#fail(from);
    if (end.dialled) this.#channels.tellClosed(end, 0);
    this.#world.after(3000, () => this.#held.delete(held) && this.#channels.tellClosed(end, 0));
  }

  /** A message was handled: if it came on a newer channel of the same two processes, what was held on the old one arrives. */
  #handled(newer: End): void {
    for (const held of this.#held) {
      const { end, message } = held;
      if (end.process !== newer.process || otherEnd(end).process !== otherEnd(newer).process) continue;
      if (end.channel.number >= newer.channel.number) continue;
      this.#held.delete(held);
      const after = (): void => this.#seam.count('late', message.type, end.process);
      if (end.open) {
        this.#channels.enqueue(end, message, { after });
        this.#channels.enqueue(end, undefined);
      } else end.process.deliver({ on: 'message', channel: end.channel.number, message }, () => true, after);
    }
  }
}
