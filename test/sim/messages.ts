/** A kind of field. `T` is the type that its values have in TypeScript; it is not there at run time. */
export interface Field<T> {
  readonly kind: 'number' | 'text' | 'flag' | 'bytes' | 'list';
  readonly nullable: boolean;
  readonly type?: T;
}

export const number: Field<number> = { kind: 'number', nullable: false };
export const text: Field<string> = { kind: 'text', nullable: false };
export const flag: Field<boolean> = { kind: 'flag', nullable: false };
export const bytes: Field<Uint8Array> = { kind: 'bytes', nullable: false };
export const list = <T>(): Field<readonly T[]> => ({ kind: 'list', nullable: false });
export const orNull = <T>(field: Field<T>): Field<T | null> => ({ kind: field.kind, nullable: true });

/** A kind of message: the sender, the receiver, what stands in it, and what a network may do to it. */
export interface MessageRow {
  /** Roles of the processes that send it. */
  readonly from: readonly string[];
  /** Roles of the processes that receive it. */
  readonly to: readonly string[];
  readonly by: 'channel' | 'datagram';
  readonly fields: { readonly [name: string]: Field<unknown> };
  /** Names of the messages that answer it; without: nothing answers it. */
  readonly answers?: readonly string[];
  /** Why it never arrives twice; without: it may, and its handler must bear it. */
  readonly once?: string;
  /** Why its two processes never have a second channel; without: they may, and then it may come late. */
  readonly oneChannel?: string;
}

/**
 * All messages of a protocol, by name: the single source. Their types come from it, and the simulator (`test/sim/`) generates its
 * faults from it.
 */
export type MessageTable = { readonly [name: string]: MessageRow };

/** The messages of a table, each with its name as `type`. */
export type MessageOf<T extends MessageTable> = {
  [N in keyof T & string]: { readonly type: N } & {
    readonly [F in keyof T[N]['fields']]: T[N]['fields'][F] extends Field<infer V> ? V : never;
  };
}[keyof T & string];

const checks: { [kind in Field<unknown>['kind']]: (value: unknown) => boolean } = {
  number: (value) => typeof value === 'number',
  text: (value) => typeof value === 'string',
  flag: (value) => typeof value === 'boolean',
  bytes: (value) => value instanceof Uint8Array,
  list: Array.isArray,
};

/** What is wrong with `message`, sent between these roles; `undefined`: it is as its row says. */
export function messageProblem(
  table: MessageTable,
  message: { readonly type: string },
  from: string,
  to: string,
): string | undefined {
  const row = table[message.type];
  if (row === undefined) return `${message.type} is not in the table`;
  if (!row.from.includes(from)) return `${message.type} is sent by ${row.from.join(', ')}, not by ${from}`;
  if (!row.to.includes(to)) return `${message.type} is sent to ${row.to.join(', ')}, not to ${to}`;
  for (const [name, value] of Object.entries(message)) {
    if (name === 'type') continue;
    const field = row.fields[name];
    if (field === undefined) return `${message.type} has no field ${name}`;
    if (value === null ? !field.nullable : !checks[field.kind](value))
      return `${message.type}.${name} is no ${field.kind}`;
  }
  const missing = Object.keys(row.fields).find((name) => !(name in message));
  return missing === undefined ? undefined : `${message.type} lacks ${missing}`;
}
