import { types } from 'node:util';
import { CaptureError } from '../../common/errors.ts';
import { heritageOf, rewrite, staticFields } from './classify.ts';
import { type FunctionFacts, Inspector } from './inspect.ts';
import { findBuiltin, findIntrinsic, findModule, isNativeText } from './intrinsics.ts';
import { type Located, locateFunction } from './locate.ts';
import { captureName } from './names.ts';
import { originOf } from './origins.ts';
import { locatePlain } from './plain.ts';
import { captureError, describeLine, type Step, usualAdvice } from './problem.ts';
import { describeRefusal, refuseLexicals, refuseSelf } from './refusals.ts';
import type { AnyFunction, Shipped, ShippedFile, ShippedFunction, ShippedImport } from './shipped.ts';
import { usesSourceMaps } from './source-maps.ts';
import { packData } from './values.ts';

export { functionFields } from './class-fields.ts';

/** What capture asks of the runtime. */
export interface CaptureHost {
  /** Whether a value travels as it is: refs, actor handles, remote functions and actor classes. */
  isPortable(value: unknown): boolean;
  /** Throws a `SerializationError` when a value cannot be encoded. `name` is what the value is called. */
  checkValue(value: unknown, name: string): void;
  /** Where a worker finds `fn`, which stands in the script at `url`, if it is one of mobula's exports. */
  findOwn(fn: AnyFunction, url: string): ShippedImport | undefined;
}

/**
 * Describes `fn` and everything it closes over as plain data, from which `reviveFunction` makes the same function in another thread.
 *
 * @throws CaptureError where the function closes over something that cannot travel
 */
export function captureFunction(fn: AnyFunction, host: CaptureHost): ShippedFunction {
  const inspector = new Inspector();
  try {
    return new Capture(host, inspector).root(fn);
  } finally {
    inspector.close();
  }
}

/** One capture: a function and all that it leads to. */
export class Capture {
  readonly #host: CaptureHost;
  readonly #inspector: Inspector;
  // Filled before a function's captures are, so that recursion ends here.
  readonly #functions = new Map<AnyFunction, Shipped>();
  readonly #copies = new Map<object, object>();
  readonly #files = new Map<string, ShippedFile>();
  readonly #trail: Step[] = [];

  constructor(host: CaptureHost, inspector: Inspector) {
    this.#host = host;
    this.#inspector = inspector;
  }

  root(fn: AnyFunction): ShippedFunction {
    const step: Step = { name: ownName(fn) || '(anonymous)', place: undefined };
    const shipped = this.#function(fn, step);
    if (shipped.kind === 'function') return shipped;
    throw this.fail(step, 'is built into Node', `Wrap it: (...args) => ${step.name}(...args).`);
  }

  /** Describes any value. `step` says what it is called, for errors. */
  value(value: unknown, step: Step): Shipped {
    const replaced = this.#replace(value, step);
    if (replaced !== undefined) return replaced;
    const at = (path: string): Step => ({ name: step.name + path, place: step.place });
    const data = packData(
      value,
      {
        isOpaque: (item) => this.#host.isPortable(item),
        replace: (item, path) => this.#replace(item, at(path)),
        check: (item, path) => this.#check(item, at(path)),
      },
      this.#copies,
    );
    this.#check(data.value, step);
    return data;
  }

  /** Describes some members of a module. */
  members(module: object, names: Iterable<string>, step: Step): Shipped {
    const members = new Map<string, Shipped>();
    for (const name of names) {
      members.set(name, this.value(Reflect.get(module, name), { name: `${step.name}.${name}`, place: step.place }));
    }
    return { kind: 'namespace', members };
  }

  /** The error for `step`, at the end of the way that led to it. */
  fail(step: Step, problem: string, advice: string = usualAdvice, cause?: unknown): CaptureError {
    return captureError([...this.#trail, step], problem, advice, cause);
  }

  /** What stands in for a value that is not simply data. */
  #replace(value: unknown, step: Step): Shipped | undefined {
    if (typeof value === 'symbol') return this.#symbol(value, step);
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || this.#host.isPortable(value))
      return undefined;
    if (typeof value === 'function') return this.#function(value, step);
    return (
      findIntrinsic(value) ??
      findModule(value) ??
      (types.isModuleNamespaceObject(value) ? this.members(value, Object.keys(value), step) : undefined)
    );
  }

  #symbol(value: symbol, step: Step): Shipped {
    const shared = Symbol.keyFor(value);
    if (shared !== undefined) return { kind: 'symbol', key: shared, wellKnown: false };
    const known = Object.getOwnPropertyNames(Symbol).find((name) => Reflect.get(Symbol, name) === value);
    if (known !== undefined) return { kind: 'symbol', key: known, wellKnown: true };
    throw this.fail(step, 'is a symbol, which no other thread can have', 'Make it with Symbol.for().');
  }

  #check(value: unknown, step: Step): void {
    try {
      this.#host.checkValue(value, step.name);
    } catch (cause) {
      const { problem, advice } = describeRefusal(value, cause);
      throw this.fail(step, problem, advice, cause);
    }
  }

  #function(fn: AnyFunction, step: Step): Shipped {
    const known = this.#functions.get(fn) ?? originOf(fn);
    if (known !== undefined) return known;
    if (types.isProxy(fn)) throw this.fail(step, 'is a Proxy');
    const text = Function.prototype.toString.call(fn);
    if (isNativeText(text)) return this.#native(fn, step);
    const facts = this.#inspector.look(fn);
    if (facts.location === undefined)
      return this.#refuse(step, 'comes from another realm (a node:vm context), which cannot be looked into');
    const plain = locatePlain(this.#inspector, facts, fn, text);
    if (plain === undefined) return this.#enclosing(fn, text, facts, step);
    const { url, line, column } = plain;
    const made = { source: text, form: 'expression', strict: true, eager: [] } as const;
    const shipped = describe(fn, { ...made, file: this.#file(url, undefined), line, column });
    this.#functions.set(fn, shipped);
    return shipped;
  }

  /** Describes a function that takes something from the code around it. */
  #enclosing(fn: AnyFunction, text: string, facts: FunctionFacts, step: Step): Shipped {
    const located = locateFunction(this.#inspector, facts, text);
    if (located === 'builtin')
      return findBuiltin(fn) ?? this.#refuse(step, 'was made by Node itself, and no other thread has it');
    if (located === 'unparsed') return this.#refuse(step, 'has a source text that mobula cannot read');
    const { script, entry, url, line, column } = located;
    const own = this.#host.findOwn(fn, url);
    if (own !== undefined) return own;
    const { source, form, meta, superclass, free } = rewrite(located, text);
    const eager = [
      ...free.filter((name) => name.eager).map(({ name }) => name),
      ...(superclass === undefined ? [] : [superclass]),
    ];
    const strict = entry.strict || script.isModule;
    const file = this.#file(url, script.sourceMap);
    const shipped = describe(fn, { source, form, strict, file, line, column, eager });
    const { captures } = shipped;
    this.#functions.set(fn, shipped);
    this.#trail.push({ name: step.name, place: () => describeLine(url, line, column) });
    refuseLexicals(located, text, this);
    if (this.#trail.length === 1) refuseSelf(fn, located, this);
    const values = facts.read(free.map(({ name }) => name));
    // V8 keeps no variable that only `extends` uses, but the class itself knows its superclass.
    const heritage = heritageOf(entry);
    const parent: unknown = heritage && Object.getPrototypeOf(fn);
    if (heritage?.name !== undefined && !values.has(heritage.name))
      values.set(heritage.name, { state: 'value', value: parent, global: false });
    for (const name of free) {
      const captured = captureName(name, { capture: this, located, values });
      if (captured !== undefined) captures.set(name.name, captured);
    }
    if (meta !== undefined) captures.set(meta, { kind: 'import.meta', file: url });
    if (superclass !== undefined)
      captures.set(superclass, this.value(parent, { name: 'its superclass', place: undefined }));
    this.#properties(fn, located, shipped);
    // Left in place by a failure, which has read it by then.
    this.#trail.pop();
    return shipped;
  }

  #native(fn: AnyFunction, step: Step): Shipped {
    const intrinsic = findIntrinsic(fn) ?? findBuiltin(fn);
    if (intrinsic !== undefined) return intrinsic;
    const isBound = ownName(fn).startsWith('bound ');
    const problem = isBound ? 'is a bound function, whose `this` and arguments cannot be read' : 'is native code';
    throw this.fail(step, problem, isBound ? 'Use an arrow function instead of bind().' : usualAdvice);
  }

  /** What was set on the function, or on its prototype, after its definition. */
  #properties(fn: AnyFunction, { entry, url }: Located, shipped: ShippedFunction): void {
    const statics = staticFields(entry);
    const depth = this.#trail.length;
    const count = this.#functions.size;
    for (const key of Object.keys(fn)) {
      try {
        shipped.props.set(key, this.value(Reflect.get(fn, key), { name: `${shipped.name}.${key}`, place: undefined }));
      } catch (error) {
        // Evaluating the class gives a static field its first value again.
        if (!statics.has(key) || !(error instanceof CaptureError)) throw error;
        this.#trail.length = depth;
        // What it had come to is incomplete.
        for (const half of [...this.#functions.keys()].slice(count)) this.#functions.delete(half);
      }
    }
    const { node } = entry;
    if (node.type === 'ClassDeclaration' || node.type === 'ClassExpression' || node.generator) return;
    const prototype: unknown = Reflect.get(fn, 'prototype');
    if (typeof prototype !== 'object' || prototype === null) return;
    if (Object.getPrototypeOf(prototype) !== Object.prototype) {
      const step = { name: `${shipped.name}.prototype`, place: () => describeLine(url, shipped.line, shipped.column) };
      throw this.fail(
        step,
        'inherits from another prototype',
        'Write it as a class, or compile for a target that has classes (es2015 or later).',
      );
    }
    for (const key of Object.keys(prototype)) {
      shipped.methods.set(
        key,
        this.value(Reflect.get(prototype, key), { name: `${shipped.name}.prototype.${key}`, place: undefined }),
      );
    }
  }

  #file(url: string, sourceMap: string | undefined): ShippedFile {
    let file = this.#files.get(url);
    if (file === undefined) {
      file = { url, sourceMap: usesSourceMaps() ? sourceMap : undefined };
      this.#files.set(url, file);
    }
    return file;
  }

  #refuse(step: Step, problem: string): never {
    throw this.fail(step, problem);
  }
}

function describe(
  fn: AnyFunction,
  text: Pick<ShippedFunction, 'source' | 'form' | 'strict' | 'file' | 'line' | 'column' | 'eager'>,
): ShippedFunction {
  return { kind: 'function', name: ownName(fn), ...text, captures: new Map(), props: new Map(), methods: new Map() };
}

/** A function's own name; a class may have a static member of that name. */
function ownName(fn: AnyFunction): string {
  const name: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
  return typeof name === 'string' ? name : '';
}
