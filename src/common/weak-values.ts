/** Things by their names, each kept only as long as something else keeps it. */
export class WeakValues<T extends object> {
  readonly #known = new Map<string, WeakRef<T>>();

  /** The one with this name, or else what `make` gives. */
  get(name: string, make: () => T): T {
    const known = this.#known.get(name)?.deref();
    if (known !== undefined) return known;
    const made = make();
    this.#known.set(name, new WeakRef(made));
    collected.register(made, { all: this.#known, name });
    return made;
  }
}

interface Place {
  readonly all: Map<string, WeakRef<object>>;
  readonly name: string;
}

const collected = new FinalizationRegistry<Place>(({ all, name }) => {
  // Another may have been made under that name.
  if (all.get(name)?.deref() === undefined) all.delete(name);
});
