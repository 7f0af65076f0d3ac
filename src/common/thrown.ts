/** The message of an error, as text whatever it is. */
export function messageOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { message } = thrown as { readonly message: unknown };
  return typeof message === 'string' ? message : `its message is ${describeThrown(message)}`;
}

/** What was thrown, in a few words. Never throws, whatever it is. */
export function describeThrown(thrown: unknown): string {
  if (typeof thrown === 'string') return JSON.stringify(thrown);
  try {
    if (typeof thrown === 'function') return thrown.name === '' ? 'a function' : `the function ${thrown.name}`;
    if (typeof thrown !== 'object' || thrown === null) return String(thrown);
    if (Array.isArray(thrown)) return 'an array';
    const name: unknown = Object.getPrototypeOf(thrown)?.constructor?.name;
    if (typeof name !== 'string' || name === '' || name === 'Object') return 'an object that is not an Error';
    const { message } = thrown as { readonly message?: unknown };
    return `an instance of class ${name}${typeof message === 'string' ? `: ${message}` : ''}`;
  } catch {
    return 'an object that fails to be read';
  }
}

/** The stack of something thrown, or what it was. Never throws. */
export function traceOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error && typeof thrown.stack === 'string') return thrown.stack;
  } catch {
    // A proxy, or a getter: described below.
  }
  return describeThrown(thrown);
}
