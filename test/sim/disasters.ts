import type { Coverage, Disaster } from './coverage.ts';
import type { Chance } from './random.ts';
import type { Host } from './scenario.ts';
import type { World } from './world.ts';

/** A disaster under way; ends it. */
type End = () => void;

/** What strikes hosts and links during the first part of a seed. A seed has a few kinds of it, so that each also comes alone. */
export class Disasters {
  readonly #world: World;
  readonly #coverage: Coverage;
  readonly #chance: Chance;
  readonly #machines = new Map<string, Host[]>();
  readonly #underWay = new Set<End>();
  #over = false;

  constructor(world: World, coverage: Coverage) {
    this.#world = world;
    this.#coverage = coverage;
    this.#chance = world.chance('disasters');
    for (const host of world.scenario.hosts) {
      const machine = host.machine ?? host.name;
      this.#machines.set(machine, [...(this.#machines.get(machine) ?? []), host]);
    }
  }

  /** `count` disasters before `until` (ms), of up to four of the `kinds`. */
  plan(kinds: readonly Disaster[], count: number, until: number): void {
    const possible = kinds.filter((kind) => this.#strikes(kind));
    if (possible.length === 0) return;
    const chosen = this.#chance.shuffled(possible).slice(0, 1 + this.#chance.below(4));
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

  /** Whether there is something that it could strike. */
  #strikes(kind: Disaster): boolean {
    const { hosts } = this.#world.scenario;
    if (kind === 'stalled') return true;
    if (kind === 'killed') return hosts.some(({ mortal }) => mortal);
    if (kind === 'power cut' || kind === 'host silent') return this.#mortalMachines().length > 0;
    if (kind === 'disk full' || kind === 'sync fails' || kind === 'slow disk') return hosts.some(({ disk }) => disk);
    return this.#machines.size > 1;
  }

  #mortalMachines(): Host[][] {
    return [...this.#machines.values()].filter((hosts) => hosts.every(({ mortal }) => mortal));
  }

  #strike(kind: Disaster): void {
    const { hosts } = this.#world.scenario;
    switch (kind) {
      case 'killed':
        this.#crash(kind, [this.#chance.pick(hosts.filter(({ mortal }) => mortal))]);
        break;
      case 'power cut':
      case 'host silent':
        this.#crash(kind, this.#chance.pick(this.#mortalMachines()));
        break;
      case 'stalled': {
        const process = this.#world.process(this.#chance.pick(hosts).name);
        if (process === undefined) return;
        this.#say(kind, process.self.host);
        process.stall(this.#chance.pick([20, 100, 400, 1000]) * this.#chance.next());
        break;
      }
      case 'disk full':
      case 'sync fails':
      case 'slow disk':
        this.#strikeDisk(kind, this.#chance.pick(hosts.filter(({ disk }) => disk)).name);
        break;
      default:
        this.#strikeLinks(kind, this.#chance.shuffled([...this.#machines.keys()]));
        break;
    }
  }

  #crash(kind: 'killed' | 'power cut' | 'host silent', hosts: readonly Host[]): void {
    const ended = hosts.map(({ name }) => name).filter((name) => this.#world.crash(name, kind));
    if (ended.length === 0) return;
    this.#say(kind, ended.join(' '));
    this.#lasting(this.#chance.between(1, 600), () => {
      for (const name of ended) this.#world.start(name);
    });
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
    const length = this.#chance.pick([50, 300, 1500]) * this.#chance.between(0.2, 1);
    switch (kind) {
      case 'slow link':
        this.#slow(one, this.#chance.pick(others), length);
        break;
      case 'partition': {
        const side = [one, ...others.slice(0, this.#chance.below(others.length))];
        const rest = others.filter((name) => !side.includes(name));
        this.#say(kind, `${side.join(' ')} from ${rest.join(' ')}`);
        for (const a of side) for (const b of rest) this.#cutBoth(a, b, length);
        break;
      }
      case 'one way': {
        const targets = this.#chance.hit(0.5) ? others : others.slice(0, 1);
        const outward = this.#chance.hit(0.5);
        this.#say(kind, `${outward ? 'from' : 'to'} ${one}: ${targets.join(' ')}`);
        for (const other of targets) this.#cut(outward ? one : other, outward ? other : one, length);
        break;
      }
      default:
        this.#swizzle(one, others.slice(0, 2 + this.#chance.below(others.length)), length);
        break;
    }
  }

  #slow(from: string, to: string, length: number): void {
    const factor = this.#chance.between(5, 100);
    this.#say('slow link', `${from} to ${to}`);
    this.#links(from, to, (a, b) => this.#world.network.links.slow(a, b, factor));
    this.#lasting(length, () => this.#links(from, to, (a, b) => this.#world.network.links.slow(a, b, 1)));
  }

  /** The links of one machine, cut one after another, and healed in another order. */
  #swizzle(one: string, others: readonly string[], length: number): void {
    this.#say('swizzle', `${one} with ${others.join(' ')}`);
    for (const other of others) {
      const heals = length * this.#chance.between(0.5, 1.5);
      this.#world.after(this.#chance.between(0, length / 2), () => this.#cutBoth(one, other, heals));
    }
  }

  #cutBoth(a: string, b: string, length: number): void {
    this.#cut(a, b, length);
    this.#cut(b, a, length);
  }

  #cut(from: string, to: string, length: number): void {
    if (this.#over) return;
    this.#links(from, to, (a, b) => this.#world.network.links.cut(a, b));
    this.#lasting(length, () => this.#links(from, to, (a, b) => this.#world.network.links.heal(a, b)));
  }

  /** All links from one machine to another. */
  #links(from: string, to: string, each: (from: string, to: string) => void): void {
    for (const a of this.#machines.get(from) ?? []) for (const b of this.#machines.get(to) ?? []) each(a.name, b.name);
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
