import { SerializationError } from '../../common/errors.ts';

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
/** Paths are for people: of a deep one, this many steps at either end are shown. */
const SHOWN_STEPS = 12;

/** Says that a value cannot travel. Thrown where it was met; each container it passes on its way out adds its step. */
export class Refusal extends Error {
  readonly #problem: string;
  readonly #advice: string;
  readonly #steps: string[] = [];

  constructor(problem: string, advice: string) {
    super(problem);
    this.#problem = problem;
    this.#advice = advice;
  }

  /** Prepends a step such as `.name` or `[3]` to the path. */
  within(step: string): void {
    this.#steps.push(step);
  }

  /** The error for the user, once the refusal has reached the root. */
  toError(root: string): SerializationError {
    const steps = this.#steps.reverse();
    if (steps.length > 2 * SHOWN_STEPS) {
      steps.splice(SHOWN_STEPS, steps.length - 2 * SHOWN_STEPS, '…');
    }
    return new SerializationError(root + steps.join(''), this.#problem, this.#advice);
  }
}

/** Adds `step` to the path if `error` is a refusal, and returns it to be thrown again. */
export function refusedWithin(error: unknown, step: (() => string) | string): unknown {
  if (error instanceof Refusal) error.within(typeof step === 'string' ? step : step());
  return error;
}

/** The step to the property `key`. */
export function propertyStep(key: string | symbol): string {
  if (typeof key === 'symbol') return `[${String(key)}]`;
  return IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** The step to the value a Map holds for `key`. */
export function mapStep(key: unknown): string {
  return `.get(${describeKey(key)})`;
}

function describeKey(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(key);
  if (typeof key === 'object' && key !== null) return Array.isArray(key) ? '[…]' : '{…}';
  if (typeof key === 'function') return 'function';
  return typeof key === 'bigint' ? `${key}n` : String(key);
}

/** A refusal for nesting beyond what the decoder's stack is sure to hold. */
export function tooDeep(limit: number): Refusal {
  return new Refusal(
    `is nested more than ${limit} levels deep`,
    'Send a flat form instead, such as an array of nodes that name each other by index.',
  );
}

/** A refusal for an object, such as one of mobula's errors, that is found again inside what it is to be rebuilt from. */
export function refersToItself(): Refusal {
  return new Refusal('refers back to an error or handle it is a part of', 'Leave the reference out.');
}

/** A refusal for a Proxy: what it shows may be another thing each time. */
export function isAProxy(): Refusal {
  return new Refusal(
    'is a Proxy',
    'Send the object that it stands for, or a copy of what it shows, such as { ...proxy }.',
  );
}

/** A refusal for a function, a symbol, or an object that is not plain data. */
export function cannotTravel(value: unknown): Refusal {
  if (typeof value === 'symbol') {
    return new Refusal(`is a symbol (${String(value)})`, 'Send a string instead.');
  }
  if (typeof value === 'function') {
    const name = value.name === '' ? 'an anonymous function' : `the function ${value.name}`;
    return new Refusal(`is ${name}`, 'Send the data it needs, or wrap it with remote() and send that.');
  }
  if (/^\[object (Async)?Generator\]$/.test(Object.prototype.toString.call(value))) {
    const advice =
      'For a stream, declare the function itself as function* or async function* (yield* passes on another generator).';
    return new Refusal('is a generator', `${advice} Or send an array of what it yields.`);
  }
  const name = className(value);
  switch (name) {
    case 'Promise':
      return new Refusal('is a Promise', 'Await it first, or pass the ObjectRef of a task.');
    case 'WeakMap':
    case 'WeakSet':
    case 'WeakRef':
      return new Refusal(
        `is a ${name}`,
        'Weak references have no meaning in another thread: send the values themselves.',
      );
    default:
      return new Refusal(
        `is an instance of ${name === undefined ? 'a class without a name' : `class ${name}`}`,
        'Send its data as a plain object and build the instance where it is used, or make it an actor.',
      );
  }
}

function className(value: unknown): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  const maker: unknown = Reflect.get(prototype, 'constructor');
  return typeof maker === 'function' && maker.name !== '' ? maker.name : undefined;
}

/** Refuses a built-in object that carries properties of its own, which its wire form has no place for. */
export function refuseKeys(value: object, keys: readonly string[] | undefined): void {
  const key = keys?.[0] ?? Object.getOwnPropertySymbols(value)[0];
  if (key === undefined) return;
  const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
  const refusal = new Refusal(
    `is a property added to an object of type ${kind}`,
    `Put it beside the ${kind}, in a plain object.`,
  );
  refusal.within(propertyStep(key));
  throw refusal;
}
