/** State of a module: each thread that imports it has its own. */
export const state: { owner?: string } = {};
