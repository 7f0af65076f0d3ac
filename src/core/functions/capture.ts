import { types } from 'node:util';
import type { CaptureError } from '../../common/errors.ts';
import { importOrigin } from './bindings.ts';
import type { Capture, MemberContext } from './capture-context.ts';
import { heritageOf, rewrite } from './classify.ts';
import { withoutName } from './closed.ts';
import { isConstructed } from './constructed.ts';
import { type ExportSite, isPackageFile, ModuleSources } from './exports.ts';
import { type FunctionFacts, Inspector } from './inspect.ts';
import { findBuiltin, findIntrinsic, findModule, isNativeText } from './intrinsics.ts';
import { type Located, locateFunction } from './locate.ts';
import { computedKeys, describeHeld, describeOwn, describePrototype, noMembers } from './members.ts';
import { leadsTo, toPath } from './modules.ts';
import { captureName } from './names.ts';
import { originOf } from './origins.ts';
import { locateClosed, locatePlain, type Site } from './plain.ts';
import { captureError, describeLine, type Step, usualAdvice } from './problem.ts';
import { describeOwnRefusal, describeRefusal, refuseLexicals, refuseOtherPrototype, refuseSelf } from './refusals.ts';
import type { FreeName } from './scope.ts';
import { SharedState } from './shared-state.ts';
import type { AnyFunction, Shipped, ShippedFile, ShippedFunction, ShippedImport, ShippedSymbol } from './shipped.ts';
import { usesSourceMaps } from './source-maps.ts';
import { planStatics } from './statics.ts';
import { factsOf, rememberSteady } from './steady.ts';
import { packData } from './values.ts';

export { Program } from '../files/program.ts';
export { wasTyped } from './script-variables.ts';

/** What capture asks of the runtime. */
export interface CaptureHost {
  /** Whether a value travels as it is: refs, actor handles, remote functions and actor classes. */
  isPortable(value: unknown): boolean;
  /** Throws a `SerializationError` when a value cannot be encoded. `name` is what the value is called. */
  checkValue(value: unknown, name: string): void;
  /** Where a worker finds `fn`, which stands in the script at `url`, if it is one of mobula's exports. */
  findOwn(fn: AnyFunction, url: string): ShippedImport | undefined;
  /** The URL under which a worker has mobula, if `file` is mobula. A loader of TypeScript may make a second copy of it for `require`. */
  ownModule(file: string): string | undefined;
  /** Told of all data and functions that are captured, in order. */
  saw?(value: unknown, name: string, place: (() => string) | undefined): void;
}

/**
 * Describes `fn` and everything it closes over as plain data, from which `reviveFunction` makes the same function in another thread.
 *
 * @throws CaptureError where the function closes over something that cannot travel
 */
export function captureFunction(fn: AnyFunction, host: CaptureHost): ShippedFunction {
  const inspector = new Inspector();
  try {
    return new FunctionCapture(host, inspector).root(fn);
  } finally {
    inspector.close();
  }
}

/** One capture: a function and all that it leads to. */
class FunctionCapture implements Capture {
  readonly #host: CaptureHost;
  // Functions, and instances that go with their class. Filled before what they lead to is described, so that recursion ends here.
  readonly #known = new Map<object, Shipped>();
  readonly #copies = new Map<object, object>();
  readonly #receivers = new Map<AnyFunction, MemberContext>();
  readonly #files = new Map<string, ShippedFile>();
  readonly #trail: Step[] = [];
  readonly #shared: SharedState;
  readonly sources: ModuleSources;
  readonly inspector: Inspector;

  constructor(host: CaptureHost, inspector: Inspector) {
    this.#host = host;
    this.inspector = inspector;
    this.sources = new ModuleSources(inspector);
    this.#shared = new SharedState(this.sources);
  }

  get trail(): readonly Located[] {
    return this.#trail.flatMap(({ located }) => (located === undefined ? [] : [located]));
  }

  root(fn: AnyFunction): ShippedFunction {
    const step: Step = { name: ownName(fn) || '(anonymous)', place: undefined };
    const shipped = this.#function(fn, step);
    if (shipped.kind === 'function') {
      const split = this.#shared.problem();
      if (split !== undefined) throw captureError(split.trail, split.problem, split.advice);
      return shipped;
    }
    throw this.fail(step, 'is built into Node', `Wrap it: (...args) => ${step.name}(...args).`);
  }

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
    this.#host.saw?.(data.value, step.name, step.place);
    return data;
  }

  imported(fn: AnyFunction, shipped: ShippedImport): ShippedImport {
    this.#known.set(fn, shipped);
    return shipped;
  }

  knows(value: object): boolean {
    return this.#known.has(value);
  }

  holds(owner: MemberContext, fn: AnyFunction): void {
    this.#receivers.set(fn, owner);
  }

  know(value: object, shipped: Shipped): void {
    this.#known.set(value, shipped);
  }

  attempt<T>(describe: () => T): T {
    const depth = this.#trail.length;
    const sizes = [this.#known.size, this.#copies.size] as const;
    try {
      return describe();
    } catch (error) {
      this.#trail.length = depth;
      for (const half of [...this.#known.keys()].slice(sizes[0])) this.#known.delete(half);
      for (const half of [...this.#copies.keys()].slice(sizes[1])) this.#copies.delete(half);
      throw error;
    }
  }

  isPortable(value: unknown): boolean {
    return this.#host.isPortable(value);
  }

  comesFrom(fn: AnyFunction, file: string): boolean {
    const script = this.inspector.scriptIdOf(fn);
    const path = script === undefined ? undefined : toPath(this.inspector.urlOfAny(script));
    return path !== undefined && (isPackageFile(path) || leadsTo(file, path));
  }

  ownModule(file: string): string | undefined {
    return this.#host.ownModule(file);
  }

  loaded(file: string): void {
    this.#shared.loaded.add(file);
  }

  copied(site: ExportSite, step: Step): void {
    this.#shared.copied.push({ site, trail: [...this.#trail, step] });
  }

  members(module: object, names: Iterable<string>, step: Step): Shipped {
    const members = new Map<string, Shipped>();
    for (const name of names) {
      members.set(name, this.value(Reflect.get(module, name), { name: `${step.name}.${name}`, place: step.place }));
    }
    return { kind: 'namespace', members, base: undefined };
  }

  fail(step: Step, problem: string, advice: string = usualAdvice, cause?: unknown): CaptureError {
    return captureError([...this.#trail, step], problem, advice, cause);
  }

  /** What stands in for a value that is not simply data. */
  #replace(value: unknown, step: Step): Shipped | undefined {
    if (typeof value === 'symbol') return this.symbol(value, step);
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || this.#host.isPortable(value))
      return undefined;
    if (typeof value === 'function') return this.#function(value, step);
    const found =
      this.#known.get(value) ??
      findIntrinsic(value) ??
      findModule(value) ??
      (types.isModuleNamespaceObject(value) ? this.members(value, Object.keys(value), step) : undefined);
    if (found === undefined && types.isProxy(value)) throw this.fail(step, 'is a Proxy', proxyAdvice);
    return found;
  }

  symbol(value: symbol, step: Step): ShippedSymbol {
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
      const { problem, advice } = this.isPortable(value) ? describeOwnRefusal(cause) : describeRefusal(value, cause);
      throw this.fail(step, problem, advice, cause);
    }
  }

  #function(fn: AnyFunction, step: Step): Shipped {
    const known = this.#known.get(fn) ?? originOf(fn);
    if (known !== undefined) return known;
    if (types.isProxy(fn)) throw this.fail(step, 'is a Proxy', proxyAdvice);
    const text = Function.prototype.toString.call(fn);
    if (isNativeText(text)) return this.#native(fn, step);
    const closed = locateClosed(fn, text);
    if (closed !== undefined) return this.#plain(fn, text, closed);
    const facts = factsOf(this.inspector, fn);
    if (facts.location === undefined)
      return this.#refuse(step, 'comes from another realm (a node:vm context), which cannot be looked into');
    const source = isConstructed(facts, fn, text) ? withoutName(text) : text;
    const plain = locatePlain(this.inspector, facts, fn, source);
    return plain === undefined ? this.#enclosing(fn, source, facts, step) : this.#plain(fn, source, plain);
  }

  /** Describes a function that takes nothing from the code around it. */
  #plain(fn: AnyFunction, text: string, { url, line, column, strict }: Site): Shipped {
    const made = { source: text, form: 'expression', strict, eager: [] } as const;
    const shipped = describe(fn, { ...made, file: this.#file(url, undefined), line, column });
    this.#known.set(fn, shipped);
    return shipped;
  }

  /** Describes a function that takes something from the code around it. */
  #enclosing(fn: AnyFunction, text: string, facts: FunctionFacts, step: Step): Shipped {
    const located = locateFunction(this.inspector, facts, fn, text);
    if (located === 'builtin') return findBuiltin(fn) ?? this.#adapted(fn, text, facts, step);
    if (located === 'unparsed') return this.#refuse(step, 'has a source text that mobula cannot read');
    const { script, entry, url, line, column } = located;
    const own = this.#host.findOwn(fn, url);
    if (own !== undefined) return own;
    this.#host.saw?.(fn, step.name, step.place);
    const statics = planStatics(fn, located, () => facts.privates());
    const { source, form, meta, superclass, setter, free } = rewrite(located, text, statics);
    const eager = [
      ...free.filter((name) => name.eager).map(({ name }) => name),
      ...(superclass === undefined ? [] : [superclass]),
    ];
    const strict = entry.strict || script.isModule;
    const file = this.#file(url, script.sourceMap);
    const privates = setter === undefined ? undefined : { setter, values: [] as Shipped[] };
    const shipped = describe(fn, { source, form, strict, file, line, column, eager }, privates);
    const { captures } = shipped;
    this.#known.set(fn, shipped);
    this.#trail.push({ name: step.name, place: () => describeLine(url, line, column), located });
    this.#lexicals(fn, text, located, shipped);
    if (this.#trail.length === 1) refuseSelf(fn, located, this);
    const values = facts.read(free.map(({ name }) => name));
    // V8 keeps no variable that only `extends` uses, but the class itself knows its superclass.
    const heritage = heritageOf(entry);
    const parent: unknown = heritage && Object.getPrototypeOf(fn);
    if (heritage?.name !== undefined && !values.has(heritage.name))
      values.set(heritage.name, { state: 'value', value: parent, global: false });
    for (const [name, key] of computedKeys(fn, located))
      if (!values.has(name)) values.set(name, { state: 'value', value: key, global: false });
    refuseOtherPrototype(fn, located, values, this);
    // Imports come first: data may hold the same functions, which then are imported, too.
    const isImported = ({ binding }: FreeName): boolean => binding !== undefined && importOrigin(binding) !== undefined;
    for (const name of [...free.filter(isImported), ...free.filter((item) => !isImported(item))]) {
      const captured = captureName(name, { capture: this, located, values, read: (names) => facts.read(names) });
      if (captured !== undefined) captures.set(name.name, captured);
    }
    if (meta !== undefined) captures.set(meta, { kind: 'import.meta', file: url });
    if (superclass !== undefined)
      captures.set(superclass, this.value(parent, { name: 'its superclass', place: undefined }));
    const members = { capture: this, located, fn, name: shipped.name };
    shipped.own = describeOwn(members);
    shipped.prototype = describePrototype(members);
    for (const { name, value } of statics.privates)
      privates?.values.push(describeHeld(value, members, { name: `${shipped.name}.${name}`, place: undefined }));
    rememberSteady(fn, facts, free, values);
    // Left in place by a failure, which has read it by then.
    this.#trail.pop();
    return shipped;
  }

  /** Sees to `this`, `super` and the like. */
  #lexicals(fn: AnyFunction, text: string, located: Located, shipped: ShippedFunction): void {
    const receiver = this.#receivers.get(fn);
    refuseLexicals(located, text, this, receiver?.located);
    if (receiver !== undefined) shipped.receiver = this.#known.get(receiver.fn);
  }

  /** What `promisify` and `callbackify` of `node:util` make. */
  #adapted(fn: AnyFunction, text: string, facts: FunctionFacts, step: Step): Shipped {
    const original = facts.read(['original']).get('original');
    if (original?.state !== 'value' || typeof original.value !== 'function') {
      throw this.fail(
        step,
        'was made by Node itself, and no other thread has it',
        'Make it inside the function, or in a module that the function imports.',
      );
    }
    const adapter = text.includes('callbackified') ? 'callbackify' : 'promisify';
    const shipped: Shipped = { kind: 'adapted', adapter, original: this.value(original.value, step) };
    this.#known.set(fn, shipped);
    return shipped;
  }

  #native(fn: AnyFunction, step: Step): Shipped {
    const intrinsic = findIntrinsic(fn) ?? findBuiltin(fn);
    if (intrinsic !== undefined) return intrinsic;
    const isBound = ownName(fn).startsWith('bound ');
    const problem = isBound ? 'is a bound function, whose `this` and arguments cannot be read' : 'is native code';
    throw this.fail(step, problem, isBound ? 'Use an arrow function instead of bind().' : usualAdvice);
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

const proxyAdvice =
  'Capture what it stands for, or make it inside the function or in a module that the function imports.';

function describe(
  fn: AnyFunction,
  text: Pick<ShippedFunction, 'source' | 'form' | 'strict' | 'file' | 'line' | 'column' | 'eager'>,
  privates?: ShippedFunction['privates'],
): ShippedFunction {
  const members = { own: noMembers, prototype: noMembers };
  return {
    kind: 'function',
    name: ownName(fn),
    ...text,
    captures: new Map(),
    ...members,
    receiver: undefined,
    privates,
  };
}

/** A function's own name; a class may have a static member of that name. */
function ownName(fn: AnyFunction): string {
  const name: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
  return typeof name === 'string' ? name : '';
}
