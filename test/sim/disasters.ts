import type { Coverage, Disaster } from './coverage.ts';
import type { Chance } from './random.ts';
import type { World } from './world.ts';

/** A disaster under way; ends it. */
type End = () => void;

/** What strikes hosts and links during the first part of a seed. A seed has a few kinds of it, so that each also comes alone. */
export class Disasters {
  readonly #world: World;
  readonly #coverage: Coverage;
  readonly #chance: Chance;
  readonly #underWay = new Set<End>();
  #over = false;

  constructor(world: World, coverage: Coverage) {
    this.#world = world;
    this.#coverage = coverage;
    this.#chance = world.chance('disasters');
  }

  /** `count` disasters before `until` (ms), of up to four of the `kinds`. */
  plan(kinds: readonly Disaster[], count: number, until: number): void {
    const chosen = this.#chance.shuffled(kinds).slice(0, 1 + this.#chance.below(4));
    for (let i = 0; i < count; i++) {
      const kind = this.#chance.pick(chosen);
      this.#world.after(this.#chance.between(0, until), () => this.#strike(kind));
    }
  }

  /** Ends all: what is down starts, what is cut is healed. */
  end(): void {
    this.#over = true;
    for (const end of this.#underWay) end();
    this.#underWay.clear();
  }

  #strike(kind: Disaster): void {
    const { scenario } = this.#world;
    const mortal = scenario.hosts.filter((host) => host.mortal).map(({ name }) => name);
    const disks = scenario.hosts.filter((host) => host.disk).map(({ name }) => name);
    switch (kind) {
      case 'killed':
      case 'power cut':
      case 'host silent':
        this.#crash(kind, this.#chance.pick(mortal));
        break;
      case 'stalled': {
        const process = this.#world.process(this.#chance.pick(scenario.hosts).name);
        if (process === undefined) return;
        this.#say(kind, process.self.host);
        process.stall(this.#chance.pick([20, 100, 400, 1000]) * this.#chance.next());
        break;
      }
      case 'disk full':
      case 'sync fails':
      case 'slow disk':
        this.#strikeDisk(kind, this.#chance.pick(disks));
        break;
      default:
        this.#strikeLinks(kind, this.#chance.shuffled(scenario.hosts.map(({ name }) => name)));
        break;
    }
  }

  #crash(kind: 'killed' | 'power cut' | 'host silent', host: string): void {
    if (!this.#world.crash(host, kind)) return;
    this.#say(kind, host);
    this.#lasting(this.#chance.between(1, 600), () => this.#world.start(host));
  }

  #strikeDisk(kind: 'disk full' | 'sync fails' | 'slow disk', host: string): void {
    const disk = this.#world.disk(host);
    this.#say(kind, host);
    if (kind === 'sync fails') {
      disk.failNextSync = true;
    } else if (kind === 'disk full') {
      disk.full = true;
      this.#lasting(this.#chance.between(5, 300), () => {
        disk.full = false;
      });
    } else {
      disk.slow = this.#chance.between(5, 50);
      this.#lasting(this.#chance.between(50, 1000), () => {
        disk.slow = 1;
      });
    }
  }

  #strikeLinks(kind: Disaster, [one = '', ...others]: readonly string[]): void {
    const { links } = this.#world.network;
    const all = [one, ...others];
    const length = this.#chance.pick([50, 300, 1500]) * this.#chance.between(0.2, 1);
    if (kind === 'slow link') {
      const [other = ''] = others;
      this.#say(kind, `${one} to ${other}`);
      links.slow(one, other, this.#chance.between(5, 100));
      this.#lasting(length, () => links.slow(one, other, 1));
      return;
    }
    if (kind === 'partition') {
      const side = all.slice(0, 1 + this.#chance.below(others.length));
      this.#say(kind, `${side.join(' ')} from the rest`);
      const rest = all.filter((name) => !side.includes(name));
      const pairs = side.flatMap((a) => rest.flatMap((b) => [[a, b] as const, [b, a] as const]));
      for (const [from, to] of pairs) this.#cut(from, to, length);
      return;
    }
    if (kind === 'one way') {
      const targets = this.#chance.hit(0.5) ? others : others.slice(0, 1);
      const outward = this.#chance.hit(0.5);
      this.#say(kind, `${outward ? 'from' : 'to'} ${one}: ${targets.join(' ')}`);
      for (const other of targets) this.#cut(outward ? one : other, outward ? other : one, length);
      return;
    }
    // Swizzle: the links of some hosts to one, cut one after another, healed in another order.
    const some = others.slice(0, 2 + this.#chance.below(others.length - 1));
    this.#say(kind, `${one} with ${some.join(' ')}`);
    for (const other of some) {
      this.#world.after(this.#chance.between(0, length / 2), () => {
        for (const [from, to] of [[one, other] as const, [other, one] as const]) {
          this.#cut(from, to, length * this.#chance.between(0.5, 1.5));
        }
      });
    }
  }

  #cut(from: string, to: string, length: number): void {
    if (this.#over) return;
    const { links } = this.#world.network;
    links.cut(from, to);
    this.#lasting(length, () => links.heal(from, to));
  }

  #lasting(length: number, end: End): void {
    this.#underWay.add(end);
    this.#world.after(length, () => this.#underWay.delete(end) && end());
  }

  #say(kind: Disaster, what: string): void {
    this.#coverage.disaster(kind);
    this.#world.trace.add(this.#world.time, '', 'FAULT', () => `${kind}: ${what}`);
  }
}
