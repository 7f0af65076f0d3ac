import { wrapperPrefix } from './shipped.ts';

/**
 * What a name stands for in the scopes around a function. `global`: a property of the global object; `shared`: a `let`, `const` or `class` of a
 * script's top level, which every other script sees.
 */
export type ScopeEntry =
  | { readonly state: 'value'; readonly value: unknown; readonly global: boolean; readonly shared?: boolean }
  | { readonly state: 'uninitialised' };

/**
 * The code a function stands in: an ES module, a function that came from another thread, or any other script. `open`: no
 * scopes tell, as none of its variables is used by a function; it may be any of them.
 */
export type Home = 'module' | 'revived' | 'script' | 'open';

/** The scopes around a function, the innermost first, as V8 hands them out: for each its variables and what it is. */
export type ScopeChain = ArrayLike<{ readonly object: object; readonly description: string }>;

/** Reads `names` from the scopes, the innermost first; names found nowhere are left out. */
export function readNames(chain: ScopeChain, names: readonly string[]): Map<string, ScopeEntry> {
  const found = new Map<string, ScopeEntry>();
  for (const name of names) {
    for (let i = 0; i < chain.length; i++) {
      const { object, description } = chain[i] as ScopeChain[number];
      const global = description === 'Global';
      // Reading a name in its temporal dead zone throws from Node 22 on and gives undefined on Node 20.
      try {
        if (!(global ? name in object : Object.hasOwn(object, name))) continue;
        const value: unknown = Reflect.get(object, name);
        found.set(name, { state: 'value', value, global, shared: description === 'Script' });
      } catch {
        found.set(name, { state: 'uninitialised' });
      }
      break;
    }
  }
  return found;
}

/** Whether the scopes, apart from the global object, hold any of `words`. */
export function holdsAny(chain: ScopeChain, words: readonly string[]): boolean {
  for (let i = 0; i < chain.length; i++) {
    const { object, description } = chain[i] as ScopeChain[number];
    if (description === 'Global') continue;
    try {
      if (words.some((word) => Object.hasOwn(object, word))) return true;
    } catch {
      return true;
    }
  }
  return false;
}

/** Where a function with these scopes stands. */
export function homeOf(chain: ScopeChain): Home {
  const scopes = Array.from(chain, ({ description }) => description);
  if (scopes.includes('Module')) return 'module';
  if (scopes.every((description) => description === 'Global' || description === 'Script')) return 'open';
  return scopes.some((description) => description.includes(wrapperPrefix)) ? 'revived' : 'script';
}
