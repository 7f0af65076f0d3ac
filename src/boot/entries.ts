/** Programs of processes, files of the package. `../boot`: this may be bundled into a file of another folder beside that one. */
export const entries: { readonly node: URL; readonly detached: URL } = {
  node: new URL('../boot/node-process.js', import.meta.url),
  detached: new URL('../boot/detached.js', import.meta.url),
};
