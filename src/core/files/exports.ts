/**
 * What an entry of `exports` or `imports` of a `package.json` may lead to, under any condition: which of them hold is for the
 * loader to say.
 */
export function targetsOf(entries: unknown, subpath: string): string[] {
  if (!isObject(entries) || !Object.keys(entries).some((key) => /^[.#]/.test(key))) {
    return subpath === '.' ? leavesOf(entries) : [];
  }
  const exact: unknown = Reflect.get(entries, subpath);
  if (exact !== undefined) return leavesOf(exact);
  return Object.entries(entries).flatMap(([key, value]) => {
    const [before = '', after = '', ...more] = key.split('*');
    const isPattern = key.includes('*') && more.length === 0;
    if (!isPattern || !subpath.startsWith(before) || !subpath.endsWith(after)) return [];
    const part = subpath.slice(before.length, subpath.length - after.length);
    return leavesOf(value).map((leaf) => leaf.replaceAll('*', part));
  });
}

function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return isObject(value) ? Object.values(value).flatMap(leavesOf) : [];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
