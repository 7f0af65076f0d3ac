/** What piscina and tinypool load: they pick the function by its exported name. */
export { noop, object, smallValue } from '../bodies.mjs';
