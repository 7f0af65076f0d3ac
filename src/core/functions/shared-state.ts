import { type ExportSite, type ModuleSources, resolveModule } from './exports.ts';
import type { Located } from './locate.ts';
import type { Step } from './problem.ts';

interface Copied {
  readonly site: ExportSite;
  /** The functions that use the copy, and its name. */
  readonly trail: readonly Step[];
}

/**
 * Objects of modules that one capture copies, while the worker also loads their module: what the module's functions then change is the worker's
 * own object, not the copy.
 */
export class SharedState {
  readonly loaded: Set<string> = new Set();
  readonly copied: Copied[] = [];
  readonly #sources: ModuleSources;

  constructor(sources: ModuleSources) {
    this.#sources = sources;
  }

  /** The first object that would be in two states, and what to do. */
  problem(): { readonly trail: readonly Step[]; readonly problem: string; readonly advice: string } | undefined {
    for (const { site, trail } of this.copied) {
      if (!this.loaded.has(site.file) && this.loaded.size === 0) continue;
      const changer = [...this.loaded].find((file) => this.#sources.mutates(file, site));
      const isChanged =
        changer !== undefined ||
        (this.loaded.has(site.file) && trail.some(({ located }) => located !== undefined && changes(located, site)));
      if (!isChanged) continue;
      return {
        trail,
        problem:
          'is copied, and functions that go with it use the object of the same name in their own module: one would not see what the other changes',
        advice: 'Pass it as an argument, or use it only through functions of its module.',
      };
    }
    return undefined;
  }
}

/** Whether the text of a function changes what it imports as `site`. */
function changes({ script, range }: Located, site: ExportSite): boolean {
  return script.analysis.mutations.some(({ start, binding }) => {
    if (start < range.start || start >= range.end || binding?.imported === undefined) return false;
    const { declaration, name } = binding.imported;
    return name === site.name && resolveModule(String(declaration.source.value), script.url) === site.file;
  });
}
