import { isBuiltinPrototype } from './realm.ts';

/** A built-in class of errors. */
export interface ErrorType {
  readonly prototype: Error;
  readonly make: () => Error;
}

/** The place of a class in this list is what it travels as: only ever append. */
export const errorTypes: readonly ErrorType[] = [
  ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map(
    (type): ErrorType => ({ prototype: type.prototype, make: () => new type() }),
  ),
  { prototype: AggregateError.prototype, make: () => new AggregateError([]) },
];

/** Properties of errors that travel although they are not enumerable. */
export const hiddenKeys: readonly string[] = ['message', 'stack', 'cause', 'errors', 'name'];

/** The place in `errorTypes` of the nearest built-in class of an error, of whatever realm. */
export function errorKind(error: object): number {
  for (let p: object | null = Object.getPrototypeOf(error); p !== null; p = Object.getPrototypeOf(p)) {
    const prototype = p;
    const kind = errorTypes.findIndex((type) => isBuiltinPrototype(prototype, type.prototype));
    if (kind >= 0) return kind;
  }
  return 0;
}
