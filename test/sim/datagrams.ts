import type { Watch } from './ends.ts';
import type { Links } from './links.ts';
import type { Process } from './process.ts';
import type { Message } from './program.ts';
import type { Chance } from './random.ts';
import type { Seam } from './seam.ts';
import type { World } from './world.ts';

/** Single messages that may be lost, come twice and overtake one another; to whatever process the host runs when they arrive. */
export class Datagrams {
  readonly #world: World;
  readonly #links: Links;
  readonly #seam: Seam;
  readonly #chance: Chance;
  /** By process, the host to which its next answer to a message of this type is lost. */
  readonly #answers = new Map<Process, { readonly to: string; readonly request: string }>();

  readonly #forNextLife = new Map<string, (() => void)[]>();

  constructor(world: World, links: Links, seam: Seam) {
    this.#world = world;
    this.#links = links;
    this.#seam = seam;
    this.#chance = world.chance('datagrams');
  }

  send(from: Process, to: string, message: Message): void {
    const answer = this.#answers.get(from);
    if (answer?.to === to && this.#seam.answers(answer.request, message.type)) {
      this.#answers.delete(from);
      this.#seam.count('answer lost', answer.request, from);
      return;
    }
    const { type } = message;
    const fault = this.#seam.take(type);
    const count = (at: Process) => (): void => fault && this.#seam.count(fault, type, at);
    const again = (at: Process) => (): void => this.#hand(from, at, message, { after: count(at) });
    switch (fault) {
      case 'request lost':
        this.#seam.count(fault, type, from);
        break;
      case 'answer lost': {
        const answer = { to: from.self.host, request: type };
        this.#arrive(from, to, message, (at) => ({ before: () => this.#answers.set(at, answer) }));
        break;
      }
      case 'twice':
        this.#arrive(from, to, message, (at) => ({ after: again(at) }));
        break;
      case 'twice apart':
        this.#arrive(from, to, message, (at) => ({ after: () => at.afterNext(again(at)) }));
        break;
      case 'late':
        this.#late(to, () => this.#arrive(from, to, message, (at) => ({ after: count(at) })));
        break;
      default:
        for (let copies = this.#links.copies(); copies > 0; copies--) this.#arrive(from, to, message, () => ({}));
    }
  }

  /** Sends it after a while, or a while after the host has a new life: a datagram goes to whatever life there is. */
  #late(to: string, send: () => void): void {
    if (this.#chance.hit(0.5)) {
      this.#world.after(this.#chance.between(50, 1500), send);
      return;
    }
    const after = this.#chance.pick([20, 200, 1000]) * this.#chance.next();
    this.#forNextLife.set(to, [...(this.#forNextLife.get(to) ?? []), () => this.#world.after(after, send)]);
  }

  /** A host has a new life. */
  started(host: string): void {
    for (const send of this.#forNextLife.get(host) ?? []) send();
    this.#forNextLife.delete(host);
  }

  #arrive(from: Process, to: string, message: Message, watch: (at: Process) => Watch): void {
    const { host } = from.self;
    // A cut counts when it is sent: what is on its way arrives.
    if (this.#links.isCut(host, to)) return;
    this.#world.after(this.#links.delay(host, to) * this.#chance.between(1, 2), () => {
      const at = this.#world.process(to);
      if (at !== undefined) this.#hand(from, at, message, watch(at));
    });
  }

  #hand(from: Process, at: Process, message: Message, { before, after }: Watch): void {
    const stillTrue = (): boolean => {
      before?.();
      return true;
    };
    at.deliver({ on: 'datagram', from: from.self, message }, stillTrue, after);
  }
}
