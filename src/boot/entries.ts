import type { Entries } from './supervisor/group.ts';

/** The programs of processes, files of the package. `../boot`: this may be bundled into a file of another folder beside that one. */
export const entries: Entries & { readonly detached: URL } = {
  head: new URL('../boot/head-process.js', import.meta.url),
  node: new URL('../boot/node-process.js', import.meta.url),
  detached: new URL('../boot/detached.js', import.meta.url),
};
