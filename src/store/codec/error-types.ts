import { isBuiltinPrototype } from './realm.ts';

/** A built-in class of errors. */
export interface ErrorType {
  readonly prototype: Error;
  /** An error without properties, but for a stack. */
  readonly make: () => Error;
  /**
   * Whether its twins in other realms, which are told by their name, count as this class. Not for classes whose name
   * a user's class is likely to have.
   */
  readonly realms: boolean;
}

interface Maker {
  new (): Error;
  readonly prototype: Error;
}

interface RareGlobals {
  /** Missing under `--jitless`. */
  readonly WebAssembly?: Readonly<Record<'CompileError' | 'LinkError' | 'RuntimeError', Maker>>;
  /** Came with Node 24. */
  readonly SuppressedError?: Maker;
}

const { WebAssembly: wasm, SuppressedError: suppressed } = globalThis as unknown as RareGlobals;

function errorType(type: Maker, realms: boolean): ErrorType {
  return { prototype: type.prototype, make: () => new type(), realms };
}

function makeAggregate(): Error {
  const error = new AggregateError([]);
  Reflect.deleteProperty(error, 'errors');
  return error;
}

function suppressedType(type: Maker): ErrorType {
  const make = (): Error => {
    const error = new type();
    for (const key of ['error', 'suppressed', 'message']) Reflect.deleteProperty(error, key);
    return error;
  };
  return { prototype: type.prototype, make, realms: false };
}

/** The place of a class in this list is what it travels as: only ever append. */
export const errorTypes: readonly ErrorType[] = [
  ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) =>
    errorType(type, true),
  ),
  { prototype: AggregateError.prototype, make: makeAggregate, realms: true },
  ...(wasm === undefined ? [] : [wasm.CompileError, wasm.LinkError, wasm.RuntimeError]).map((type) =>
    errorType(type, false),
  ),
  ...(suppressed === undefined ? [] : [suppressedType(suppressed)]),
];

/** Properties of errors that travel although they are not enumerable. */
export const hiddenKeys: readonly string[] = ['message', 'stack', 'cause', 'errors', 'name', 'error', 'suppressed'];

/** The place in `errorTypes` of the nearest built-in class of an error, of whatever realm. */
export function errorKind(error: object): number {
  for (let p: object | null = Object.getPrototypeOf(error); p !== null; p = Object.getPrototypeOf(p)) {
    const prototype = p;
    const kind = errorTypes.findIndex(
      (type) => prototype === type.prototype || (type.realms && isBuiltinPrototype(prototype, type.prototype)),
    );
    if (kind >= 0) return kind;
  }
  return 0;
}

/** An error of the nearest built-in class, without properties and without a stack of its own. */
export function bareError(kind: number): Error | undefined {
  const type = errorTypes[kind];
  if (type === undefined) return undefined;
  const error = withoutStack(type.make);
  Reflect.deleteProperty(error, 'stack');
  return error;
}

/** Recording a stack that is about to be replaced is most of what making an error costs. */
export function withoutStack<E extends Error>(make: () => E): E {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
