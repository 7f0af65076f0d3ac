import type { MessageRow, MessageTable } from './messages.ts';

/** What the seam can do to a message. docs/simulator.md says what each is. */
export const faults = ['request lost', 'answer lost', 'executed, failed', 'twice', 'twice apart', 'late'] as const;
export type Fault = (typeof faults)[number];

/** What happens to hosts and links. */
export const disasters = [
  'killed',
  'power cut',
  'host silent',
  'stalled',
  'partition',
  'one way',
  'swizzle',
  'slow link',
  'disk full',
  'sync fails',
  'slow disk',
] as const;
export type Disaster = (typeof disasters)[number];

/** Whether a fault can happen to a message at all, by its row. */
export function applies(fault: Fault, row: MessageRow): boolean {
  if (fault === 'answer lost') return row.answers !== undefined;
  if (fault === 'executed, failed') return row.by === 'channel';
  if (fault === 'late') return row.oneChannel === undefined;
  if (fault === 'twice' || fault === 'twice apart') return row.once === undefined;
  return true;
}

/** How often each fault happened to each message, and each disaster. */
export class Coverage {
  readonly #table: MessageTable;
  readonly #faults = new Map<string, number>();
  readonly #disasters = new Map<Disaster, number>();
  readonly #sent = new Map<string, number>();
  readonly #without = new Set<Disaster>();
  messages = 0;
  faults = 0;

  /** `without`: disasters that cannot happen, as nothing in the protocol has what they strike. */
  constructor(table: MessageTable, without: readonly Disaster[] = []) {
    this.#table = table;
    this.#without = new Set(without);
  }

  sent(type: string): void {
    this.messages++;
    this.#sent.set(type, (this.#sent.get(type) ?? 0) + 1);
  }

  fault(fault: Fault, type: string): void {
    this.faults++;
    const cell = `${fault} ${type}`;
    this.#faults.set(cell, (this.#faults.get(cell) ?? 0) + 1);
  }

  disaster(disaster: Disaster): void {
    this.faults++;
    this.#disasters.set(disaster, (this.#disasters.get(disaster) ?? 0) + 1);
  }

  add(other: Coverage): void {
    this.messages += other.messages;
    this.faults += other.faults;
    const sum = <K>(into: Map<K, number>, from: Map<K, number>): void => {
      for (const [key, count] of from) into.set(key, (into.get(key) ?? 0) + count);
    };
    sum(this.#faults, other.#faults);
    sum(this.#disasters, other.#disasters);
    sum(this.#sent, other.#sent);
  }

  /** What has never happened though it can. */
  zeros(): string[] {
    const cells = Object.entries(this.#table).flatMap(([type, row]) =>
      faults
        .filter((fault) => applies(fault, row) && !this.#faults.has(`${fault} ${type}`))
        .map((fault) => `${fault} × ${type}`),
    );
    return [...cells, ...disasters.filter((name) => !this.#without.has(name) && !this.#disasters.has(name))];
  }

  /** The table fault × message; `-`: cannot happen. */
  toString(): string {
    const types = Object.keys(this.#table);
    const left = Math.max(...types.map((type) => type.length), 7);
    const line = (first: string, cells: readonly (string | number)[]): string =>
      first.padEnd(left) +
      ['sent', ...faults].map((name, i) => String(cells[i]).padStart(Math.max(name.length, 8) + 2)).join('');
    const rows = Object.entries(this.#table).map(([type, row]) =>
      line(type, [
        this.#sent.get(type) ?? 0,
        ...faults.map((fault) => (applies(fault, row) ? (this.#faults.get(`${fault} ${type}`) ?? 0) : '-')),
      ]),
    );
    const struck = disasters.map(
      (name) => `${name} ${this.#without.has(name) ? '-' : (this.#disasters.get(name) ?? 0)}`,
    );
    return [line('message', ['sent', ...faults]), ...rows, struck.join(' · ')].join('\n');
  }
}
