/** Numbers that describe one item. */
export const DIMENSIONS = 64;

/** How many items the service knows. */
export const ITEMS = 10_000;

/** Descriptions of all items, one after the other. A real service would read them from a file or a database. */
export function loadCatalogue(): Float32Array {
  const catalogue = new Float32Array(ITEMS * DIMENSIONS);
  let state = 1;
  for (let i = 0; i < catalogue.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    catalogue[i] = state / 2 ** 31 - 1;
  }
  return catalogue;
}
