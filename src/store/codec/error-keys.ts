import type { Reader } from './reader.ts';
import { Refusal } from './refusal.ts';
import { writeString } from './strings.ts';
import { SYMBOL } from './tags.ts';
import type { Writer } from './writer.ts';

/** What a symbol every thread knows is found by: its key in the global registry, or its name among those of the language. */
interface SymbolName {
  readonly registered: boolean;
  readonly name: string;
}

const WELL_KNOWN = /^Symbol\.(\w+)$/;

function wellKnown(name: string): symbol | undefined {
  const symbol: unknown = Reflect.get(Symbol, name);
  return typeof symbol === 'symbol' ? symbol : undefined;
}

function nameOf(symbol: symbol): SymbolName | undefined {
  const key = Symbol.keyFor(symbol);
  if (key !== undefined) return { registered: true, name: key };
  const name = WELL_KNOWN.exec(symbol.description ?? '')?.[1];
  return name !== undefined && wellKnown(name) === symbol ? { registered: false, name } : undefined;
}

/** Whether every thread has this symbol: made by `Symbol.for`, or the language's own. Any other is a new one in each thread. */
export function isEverywhere(symbol: symbol): boolean {
  return nameOf(symbol) !== undefined;
}

/** The keys of an error's own enumerable properties, apart from `known` ones. */
export function otherKeys(error: object, known: readonly string[]): (string | symbol)[] {
  const keys: (string | symbol)[] = Object.keys(error).filter((key) => !known.includes(key));
  // Node marks its own errors with symbols that are not enumerable, which are no part of what an error says.
  for (const symbol of Object.getOwnPropertySymbols(error)) {
    if (Object.prototype.propertyIsEnumerable.call(error, symbol)) keys.push(symbol);
  }
  return keys;
}

/** Writes the key of an error's property. */
export function writeKey(writer: Writer, key: string | symbol): void {
  if (typeof key === 'string') {
    writeString(writer, key);
    return;
  }
  const symbol = nameOf(key);
  if (symbol === undefined) {
    throw new Refusal(
      'is a property whose key is a symbol',
      'Use a string as the key, or a symbol made by Symbol.for, or leave it out.',
    );
  }
  writer.ensure(2);
  writer.byte(SYMBOL);
  writer.byte(symbol.registered ? 1 : 0);
  writeString(writer, symbol.name);
}

/** Reads what `writeKey` wrote. */
export function readKey(reader: Reader): string | symbol {
  if (reader.peek() !== SYMBOL) return reader.string();
  reader.byte();
  const registered = reader.byte() === 1;
  const name = reader.string();
  return registered ? Symbol.for(name) : (wellKnown(name) ?? `Symbol.${name}`);
}
