import type { EncodeState, Fields, ShapeWriter, Write } from './encode-state.ts';
import { propertyStep, refusedWithin } from './refusal.ts';

/** Writes the values of `object` key by key. */
export function writeFields(state: EncodeState, object: Fields, keys: readonly string[], write: Write): void {
  let i = 0;
  try {
    for (; i < keys.length; i++) write(state, object[keys[i] as string]);
  } catch (error) {
    throw refusedWithin(error, () => propertyStep(keys[i] as string));
  }
}

/**
 * Makes the code that writes objects with these keys. With the keys spelt out, V8 loads each value from a known
 * place; a look-up by a key that varies costs it several times as much.
 */
export function shapeWriter(keys: readonly string[], write: Write): ShapeWriter {
  const steps = keys.map((key, i) => `i = ${i}; write(state, object[${JSON.stringify(key)}]);`);
  const body = `let i = 0; try { ${steps.join(' ')} } catch (error) { throw within(error, i); }`;
  const within = (error: unknown, i: number): unknown => refusedWithin(error, () => propertyStep(keys[i] as string));
  try {
    const make = new Function('write', 'within', `return (state, object) => { ${body} };`);
    return make(write, within) as ShapeWriter;
  } catch {
    // The process may forbid code from strings (--disallow-code-generation-from-strings).
    return (state, object) => writeFields(state, object, keys, write);
  }
}
