import { type Channel, type End, otherEnd, type Watch } from './ends.ts';
import type { Links } from './links.ts';
import type { Process } from './process.ts';
import type { Message } from './program.ts';
import type { Chance } from './random.ts';
import type { World } from './world.ts';

/** Ordered sessions between processes: what arrives, arrives in order and once; a cut takes what was under way, and ends them. */
export class Channels {
  readonly #world: World;
  readonly #links: Links;
  readonly #chance: Chance;
  #made = 0;
  readonly #byNumber = new Map<number, Channel>();
  /** Called when an end's process has handled a message. */
  onHandled: (end: End) => void = () => {};

  constructor(world: World, links: Links) {
    this.#world = world;
    this.#links = links;
    this.#chance = world.chance('channels');
  }

  dial(from: Process, to: string): void {
    const links = this.#links;
    const reaches = (): boolean => !links.isCut(from.self.host, to) && !links.isCut(to, from.self.host);
    const refused = (after: number): void => this.#world.after(after, () => from.deliver({ on: 'refused', to }));
    if (!reaches()) {
      refused(this.#chance.between(100, 800));
      return;
    }
    this.#world.after(links.delay(from.self.host, to), () => {
      const target = this.#world.process(to);
      if (!from.alive) return;
      if (target === undefined || !reaches()) return refused(links.delay(to, from.self.host));
      this.#open(from, target);
    });
  }

  #open(from: Process, to: Process): void {
    const ends: End[] = [];
    const channel: Channel = { number: ++this.#made, ends: ends as unknown as [End, End], broken: false };
    const end = (process: Process, dialled: boolean): End => {
      const made = { channel, process, dialled, told: false, open: true, incoming: [], lastAt: 0, pumping: false };
      ends.push(made);
      return made;
    };
    const [near, far] = [end(from, true), end(to, false)];
    this.#byNumber.set(channel.number, channel);
    near.lastAt = this.#world.time + Math.round(1000 * this.#links.delay(to.self.host, from.self.host));
    // Before the far end hears of it: what that says at once comes behind.
    this.#world.after((near.lastAt - this.#world.time) / 1000, () => this.#tellOpen(near, to));
    this.#tellOpen(far, from);
  }

  #tellOpen(end: End, peer: Process): void {
    const stillTrue = (): boolean => {
      end.told = end.open;
      return end.open;
    };
    const { dialled, channel } = end;
    end.process.deliver({ on: 'open', channel: channel.number, peer: peer.self, dialled }, stillTrue);
  }

  /** The end that `process` may send on; `undefined`: what it sends is lost. */
  sendingEnd(process: Process, number: number): End | undefined {
    const channel = this.#byNumber.get(number);
    const end = channel?.ends.find((side) => side.process === process);
    return end?.open === true && channel?.broken === false ? end : undefined;
  }

  /** The role of the process at the other end. */
  peer(end: End): string {
    return otherEnd(end).process.self.role;
  }

  /** Puts what the other end is to receive on its way. No message: the end of the channel. */
  enqueue(to: End, message: Message | undefined, watch: Watch = {}): void {
    const from = otherEnd(to).process.self.host;
    to.lastAt = Math.max(
      to.lastAt,
      this.#world.time + Math.round(1000 * this.#links.delay(from, to.process.self.host)),
    );
    to.incoming.push({ at: to.lastAt, message, watch });
    this.#pump(to);
  }

  #pump(end: End): void {
    const next = end.incoming[0];
    if (next === undefined || end.pumping) return;
    end.pumping = true;
    this.#world.after(Math.max(0, next.at - this.#world.time) / 1000, () => {
      end.pumping = false;
      // Under a cut it waits, as in a socket; `resume` goes on.
      if (this.#links.isCut(otherEnd(end).process.self.host, end.process.self.host)) return;
      const item = end.incoming.shift();
      if (item?.message !== undefined) this.arrive(end, item.message, item.watch);
      else if (item !== undefined) this.tellClosed(end, 0);
      this.#pump(end);
    });
  }

  arrive(end: End, message: Message, { before, after }: Watch = {}): void {
    const stillTrue = (): boolean => {
      if (end.open) before?.();
      return end.open;
    };
    end.process.deliver({ on: 'message', channel: end.channel.number, message }, stillTrue, () => {
      this.onHandled(end);
      after?.();
    });
  }

  /** Tells the process of an end, after a while, that the channel has ended, or was never made. */
  tellClosed(end: End, after: number): void {
    const ends = (told: boolean) => (): boolean => {
      const now = end.open && end.told === told;
      if (now) this.#closed(end);
      return now;
    };
    this.#world.after(after, () => {
      end.process.deliver({ on: 'closed', channel: end.channel.number }, ends(true));
      end.process.deliver({ on: 'refused', to: otherEnd(end).process.self.host }, ends(false));
    });
  }

  /** Ends a channel under way: a random part of what is on its way to `end` is lost. */
  breakTo(end: End, closedAfter: number): void {
    end.channel.broken = true;
    end.incoming.splice(this.#chance.below(end.incoming.length + 1));
    this.tellClosed(end, closedAfter);
  }

  close(process: Process, number: number): void {
    const end = this.sendingEnd(process, number);
    const channel = this.#byNumber.get(number);
    for (const side of channel?.ends ?? []) if (side.process === process) this.#closed(side);
    if (end === undefined) return;
    end.channel.broken = true;
    this.enqueue(otherEnd(end), undefined);
  }

  #closed(end: End): void {
    end.open = false;
    if (!otherEnd(end).open) this.#byNumber.delete(end.channel.number);
  }

  /** A process has ended. `silent`: its host is gone as well, and the others notice late. */
  processEnded(process: Process, silent: boolean): void {
    for (const channel of this.#of((side) => side.process === process)) {
      const end = channel.ends[0].process === process ? channel.ends[0] : channel.ends[1];
      end.open = false;
      end.incoming.splice(0);
      this.breakTo(otherEnd(end), silent ? this.#chance.between(500, 3000) : this.#chance.between(0, 20));
      this.#byNumber.delete(channel.number);
    }
  }

  /** A link is cut: of the channels over it some end, if the cut lasts; on the others what is sent waits. */
  linkCut(from: string, to: string): void {
    for (const channel of this.#of((side) => side.process.self.host === from)) {
      if (!channel.ends.some(({ process }) => process.self.host === to) || this.#chance.hit(0.4)) continue;
      this.#world.after(this.#chance.between(50, 2000), () => {
        if (channel.broken || !this.#links.isCut(from, to)) return;
        for (const end of channel.ends) this.breakTo(end, this.#chance.between(0, 1000));
      });
    }
  }

  resume(from: string, to: string): void {
    for (const channel of this.#byNumber.values()) {
      for (const end of channel.ends)
        if (end.process.self.host === to && otherEnd(end).process.self.host === from) this.#pump(end);
    }
  }

  #of(side: (end: End) => boolean): Channel[] {
    return [...this.#byNumber.values()].filter(({ ends }) => ends.some(side));
  }
}
