/** What piscina and tinypool load: they pick the function by its exported name. */
export { noop, object, smallValue } from '../bodies.mjs';

export const make = (bytes) => new Uint8Array(bytes).fill(7);
export const lengthOf = (array) => array.length;
