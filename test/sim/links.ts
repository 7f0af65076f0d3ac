import type { Chance } from './random.ts';

/** How a seed's network is, all times in milliseconds. */
export interface Weather {
  readonly least: number;
  /** Mean of what comes on top. */
  readonly more: number;
  /** Share of messages that a spike of up to 300 ms delays. */
  readonly spikes: number;
  readonly datagramsLost: number;
  readonly datagramsTwice: number;
}

export function weather(chance: Chance): Weather {
  const bad = chance.hit(0.5);
  return {
    least: chance.between(0.05, 1),
    more: chance.pick([0.1, 1, 5]),
    spikes: bad ? chance.pick([0, 0.01, 0.05]) : 0,
    datagramsLost: bad ? chance.pick([0.01, 0.1, 0.3]) : 0,
    datagramsTwice: bad ? chance.pick([0, 0.05, 0.2]) : 0,
  };
}

/** Which host reaches which, and how fast. A link is one direction between two hosts. */
export class Links {
  readonly #chance: Chance;
  readonly #weather: Weather;
  /** How many cuts lie on a link: two partitions may share one. */
  readonly #cuts = new Map<string, number>();
  readonly #slow = new Map<string, number>();
  calm = false;
  onCut: (from: string, to: string) => void = () => {};
  onHeal: (from: string, to: string) => void = () => {};

  constructor(chance: Chance, conditions: Weather) {
    this.#chance = chance;
    this.#weather = conditions;
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(`${from}>${to}`);
  }

  cut(from: string, to: string): void {
    const link = `${from}>${to}`;
    const cuts = (this.#cuts.get(link) ?? 0) + 1;
    this.#cuts.set(link, cuts);
    if (cuts === 1) this.onCut(from, to);
  }

  heal(from: string, to: string): void {
    const link = `${from}>${to}`;
    const cuts = this.#cuts.get(link) ?? 0;
    if (cuts > 1) this.#cuts.set(link, cuts - 1);
    else if (this.#cuts.delete(link)) this.onHeal(from, to);
  }

  /** `factor` 1: as fast as ever. */
  slow(from: string, to: string, factor: number): void {
    this.#slow.set(`${from}>${to}`, factor);
  }

  delay(from: string, to: string): number {
    const { least, more, spikes } = this.#weather;
    const usual = least - Math.log(1 - this.#chance.next()) * more;
    if (this.calm) return usual;
    const spike = this.#chance.hit(spikes) ? this.#chance.between(10, 300) : 0;
    return usual * (this.#slow.get(`${from}>${to}`) ?? 1) + spike;
  }

  /** How often a datagram sent now arrives. */
  copies(): number {
    if (this.calm) return 1;
    if (this.#chance.hit(this.#weather.datagramsLost)) return 0;
    return this.#chance.hit(this.#weather.datagramsTwice) ? 2 : 1;
  }
}
