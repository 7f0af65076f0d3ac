/** What the threads of a node share instead of copying it: a SharedArrayBuffer, a WebAssembly.Module, a Blob, a key. */
export interface SharedThing {
  /** The node whose threads share it. */
  readonly nodeId: string;
  /** The object that stands for it in the core: it lives as long as a value or a thread needs the thing. */
  readonly index: number;
  readonly generation: number;
  readonly thing: object;
  /** What Node forgets of a File when it posts one. */
  readonly file?: { readonly name: string; readonly lastModified: number } | undefined;
}
