const inspect = Symbol.for('nodejs.util.inspect.custom');

/** How an object of mobula's shows itself: the name of its class, and what tells it from others of that class. */
export function shown(name: string, ...facts: readonly string[]): string {
  return `${name}(${facts.join(', ')})`;
}

/**
 * Lets objects print themselves: `console.log(it)` and `${it}` show what `describe` gives. Its keys are symbols, so that the
 * object answers to no name more than its class has.
 */
export function printable(prototype: object, describe: (it: never) => string): void {
  Object.defineProperty(prototype, inspect, {
    value(this: never) {
      return describe(this);
    },
  });
  Object.defineProperty(prototype, Symbol.toPrimitive, {
    value(this: never, hint: string) {
      return hint === 'number' ? Number.NaN : describe(this);
    },
  });
}
