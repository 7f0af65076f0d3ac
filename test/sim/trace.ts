import type { Input, Message } from './program.ts';

/** What happened, line by line if `on`; always as a number, so that two runs can be compared. */
export class Trace {
  readonly on: boolean;
  readonly lines: string[] = [];
  digest = 0x811c9dc5;

  constructor(on: boolean) {
    this.on = on;
  }

  /** A happening at `time` (µs) at `where`. `say` is called only if lines are kept. */
  add(time: number, where: string, kind: string, say: () => string): void {
    this.#mix(time);
    for (let i = 0; i < where.length; i++) this.#mix(where.charCodeAt(i));
    for (let i = 0; i < kind.length; i++) this.#mix(kind.charCodeAt(i));
    if (this.on)
      this.lines.push(`${(time / 1000).toFixed(3).padStart(10)}  ${where.padEnd(8)} ${kind.padEnd(8)} ${say()}`);
  }

  #mix(value: number): void {
    this.digest = Math.imul(this.digest ^ value, 0x01000193);
  }
}

/** A value as it stands in a history. */
export function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Map) return `{${[...value].map(([key, held]) => `${key}: ${show(held)}`).join(' ')}}`;
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, held]) => `${key}: ${show(held)}`)
      .join(' ')}}`;
  }
  return String(value);
}

export function showMessage({ type, ...fields }: Message): string {
  return `${type} ${Object.entries(fields)
    .map(([name, value]) => `${name}=${show(value)}`)
    .join(' ')}`;
}

export function showInput(input: Input): string {
  switch (input.on) {
    case 'message':
      return `ch${input.channel} ${showMessage(input.message)}`;
    case 'datagram':
      return `from ${input.from.id} ${showMessage(input.message)}`;
    case 'open':
      return `ch${input.channel} ${input.dialled ? 'to' : 'from'} ${input.peer.id}`;
    default: {
      const { on: _, ...rest } = input;
      return show(rest);
    }
  }
}
