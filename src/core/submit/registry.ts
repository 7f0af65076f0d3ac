import { MobulaError } from '../../common/errors.ts';
import { printStep, printsSteps } from '../../common/figure7.ts';
import type { ResolvedActorOptions, ResolvedTaskOptions } from '../../common/options.ts';
import { setImmediate } from '../../common/timers.ts';
import { WeakValues } from '../../common/weak-values.ts';
import type { Addon } from '../../native/addon.ts';
import { nativeError } from '../../native/native-error.ts';
import type { PlacedFunction } from '../files/needs.ts';
import type { ShippedFunction } from '../functions/shipped.ts';
import type { NodeFacts } from '../node-facts.ts';
import type { Port } from '../port/port.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import { type Described, described, describedMethod, type MethodOptions, type Place } from './described.ts';
import { functionGone } from './function-gone.ts';
import { marksRegistration } from './registration-refs.ts';
import type { Registrar, Remote, RemoteRuntime, ShippedCode } from './remote.ts';
import type { ResourceTable } from './resources.ts';
import { noHabits, type Registration, type Template, type TemplateInfo } from './template.ts';

/** The thread's runtime, as the registry uses it. */
export interface RegistryRuntime extends RemoteRuntime {
  readonly addon: Addon;
  readonly port: Pick<Port, 'id'>;
  readonly facts: NodeFacts;
  readonly resources: ResourceTable;
  readonly closed: boolean;
}

/** How the registry writes code into the object store. */
export interface CodeWriter {
  /** A ref for a fresh object of this thread. */
  newRef(): ObjectRef<unknown>;
  /** Writes a value into an object of this thread. */
  putInto(object: number, value: unknown, path: string): void;
  /** Describes a function for its way to other threads. */
  ship(source: Function): ShippedFunction | PlacedFunction;
}

/** In the place of code that could not be written. */
export interface Unshipped {
  readonly kind: 'unshipped';
}

type AnyRemote = Remote<ResolvedTaskOptions | ResolvedActorOptions>;

/** What the call under way has registered. */
interface Pending {
  readonly remote: AnyRemote;
  readonly registration: Registration;
  /** Whether its code is shipped with it. */
  readonly fresh: boolean;
}

/** The templates of methods of an actor class. */
interface Methods {
  /** By name: without options there are only so many. */
  readonly plain: Map<string, Registration>;
  /** With options of calls, by all that tells them apart. */
  readonly others: WeakValues<Registration>;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();
/** By how many templates what V8 knows of may be wrong. */
const FEW = 256;
const noOptions: MethodOptions = { timeoutMs: 0, numReturns: 1 };

/** The templates of a node as one thread knows them, and those that it has registered. */
export class Registry implements Registrar {
  readonly #runtime: RegistryRuntime;
  readonly #code: CodeWriter;
  /** Those that the core has told of, until it says that they have ended. */
  readonly #templates = new Map<number, Template>();
  /** Of these, those that this thread has registered, and how many of them V8 knows of. */
  readonly #own = new Set<number>();
  #settled = 0;
  /** The one asked for last: mostly it is asked for again. */
  #last: Template | undefined;
  /**
   * What the call under way has registered, outermost first. Code may lead to other remote functions, which are registered and
   * shipped meanwhile, and back: all of them are registered together, or none.
   */
  readonly #pending: Pending[] = [];
  /** By actor template. */
  readonly #methods = new Map<number, Methods>();
  /** What code has sent on of its own group in this turn of the event loop. */
  readonly #borrowed = new Map<number, Registration>();

  constructor(runtime: RegistryRuntime, code: CodeWriter) {
    this.#runtime = runtime;
    this.#code = code;
  }

  /** The template with this number, of which the caller has a task, a handle or a ref. */
  get(id: number): Template {
    const last = this.#last;
    if (last?.id === id) return last;
    let template = this.#templates.get(id);
    if (template === undefined) {
      const { addon, port } = this.#runtime;
      const meta = addon.templateMeta(port.id, id);
      if (meta === null) throw functionGone();
      template = { id, info: JSON.parse(decoder.decode(meta)) as TemplateInfo, habits: noHabits() };
      this.#templates.set(id, template);
    }
    this.#last = template;
    return template;
  }

  /** The core says that a template has ended: nothing can use it any more. */
  forget(id: number): void {
    this.#templates.delete(id);
    if (this.#own.delete(id)) this.#settle();
    if (this.#last?.id === id) this.#last = undefined;
    for (const { ref } of this.#methods.get(id)?.plain.values() ?? []) ref[Symbol.dispose]();
    this.#methods.delete(id);
  }

  /** Whether the call under way registers the template: its code is being written, or code that may lead back to it. */
  isBeingShipped(id: number): boolean {
    return this.#pending.some(({ registration }) => registration.template.id === id);
  }

  /** Registers a remote function or actor class, and ships its code if that is not there yet. All of it, or nothing. */
  register(remote: AnyRemote): Template {
    const before = this.#pending.length;
    try {
      const { code } = remote;
      const fresh = code.shipped?.runtime !== this.#runtime;
      // The objects of a runtime of before shutdown() are gone.
      if (fresh) code.shipped = undefined;
      const { template } = this.#begin(remote, fresh);
      if (fresh) this.#ship(remote);
      if (printsSteps) printStep('registered', this.#runtime.facts.nodeId, `${template.info.name} is registered`);
      return template;
    } catch (error) {
      this.#undo(before);
      throw error;
    } finally {
      if (before === 0) this.#pending.length = 0;
    }
  }

  /** Its number is known from now on, so that a function that calls itself can travel inside its own closure. */
  #begin(remote: AnyRemote, fresh: boolean): Registration {
    const { code } = remote;
    if (typeof code.shipped?.keeper === 'number') this.borrow(code.shipped.keeper);
    const shipped = code.shipped ?? this.#reserve();
    const { object } = shipped;
    const runtime = this.#runtime;
    try {
      const life = runtime.addon.objectGeneration(runtime.port.id, object);
      const place = placeOf(runtime);
      const template = described(remote, { code: object, life }, place);
      const registration = this.#store(template, object, this.#pending[0]?.registration.template.id ?? -1);
      code.shipped = shipped;
      this.#pending.push({ remote, registration, fresh });
      remote.adopt(runtime, registration);
      return registration;
    } catch (error) {
      if (fresh) giveBack(shipped);
      throw error;
    }
  }

  #reserve(): ShippedCode {
    const keeper = this.#code.newRef();
    return { runtime: this.#runtime, object: ObjectRef.index(keeper), keeper };
  }

  #ship({ code }: AnyRemote): void {
    const { source, shipped } = code;
    if (source === undefined) throw new MobulaError('ERR_MOBULA_INTERNAL', 'a remote function has no code');
    const { object } = shipped as ShippedCode;
    try {
      this.#code.putInto(object, this.#code.ship(source), 'the function');
    } catch (error) {
      this.#say(object);
      throw error;
    }
  }

  /** Tasks that were submitted meanwhile fail instead of waiting for code that never comes. */
  #say(object: number): void {
    try {
      this.#code.putInto(object, { kind: 'unshipped' } satisfies Unshipped, 'the function');
    } catch {
      // The store is full, or the runtime is closed: the first error says so to the caller.
    }
  }

  /** Nothing stays of what was begun since: the next call begins anew, as what was shipped may name what was not. */
  #undo(before: number): void {
    for (const { remote, registration, fresh } of this.#pending.splice(before)) {
      remote.forget();
      registration.ref[Symbol.dispose]();
      if (!fresh) continue;
      giveBack(remote.code.shipped);
      remote.code.shipped = undefined;
    }
  }

  /** The template for calls of a method. */
  method(actor: Template, method: string, options: MethodOptions = noOptions): Template {
    let methods = this.#methods.get(actor.id);
    if (methods === undefined) {
      methods = { plain: new Map(), others: new WeakValues() };
      this.#methods.set(actor.id, methods);
    }
    const make = (): Registration => this.#store(describedMethod(actor, method, options), -1, -1);
    const { timeoutMs, numReturns } = options;
    if (timeoutMs > 0 || numReturns > 1) {
      return methods.others.get(`${timeoutMs} ${numReturns} ${method}`, make).template;
    }
    let registration = methods.plain.get(method);
    if (registration === undefined) {
      registration = make();
      methods.plain.set(method, registration);
    }
    return registration.template;
  }

  #store({ info, options }: Described, code: number, group: number): Registration {
    const { addon, port } = this.#runtime;
    const ref = this.#code.newRef();
    try {
      const meta = encoder.encode(JSON.stringify(info));
      const all = { ...options, name: info.name };
      const id = addon.addTemplate(port.id, ObjectRef.index(ref), all, meta, code, group);
      const template: Template = { id, info, habits: noHabits() };
      marksRegistration(ref);
      this.#templates.set(template.id, template);
      this.#own.add(template.id);
      this.#settle();
      return { template, ref };
    } catch (error) {
      ref[Symbol.dispose]();
      throw nativeError(error);
    }
  }

  /** Tells V8 now and then what the templates keep. */
  #settle(): void {
    const { size } = this.#own;
    if (Math.abs(size - this.#settled) < FEW) return;
    this.#settled = size;
    const { addon, port, closed } = this.#runtime;
    if (!closed) addon.settleTemplates(port.id, size);
  }

  /**
   * Registers a template that has come up in its own code, or in code of its group, until the end of this turn of the event loop.
   * For longer, the code that this thread has loaded would keep itself.
   */
  borrow(id: number): Registration {
    const known = this.#borrowed.get(id);
    if (known !== undefined) return known;
    const { addon, port } = this.#runtime;
    const ref = this.#code.newRef();
    if (!addon.registerAgain(port.id, ObjectRef.index(ref), id)) {
      ref[Symbol.dispose]();
      throw functionGone();
    }
    marksRegistration(ref);
    const registration = { template: this.get(id), ref };
    if (this.#borrowed.size === 0) setImmediate(this.#giveBackBorrowed).unref();
    this.#borrowed.set(id, registration);
    return registration;
  }

  readonly #giveBackBorrowed = (): void => {
    for (const { ref } of this.#borrowed.values()) ref[Symbol.dispose]();
    this.#borrowed.clear();
  };
}

function giveBack(shipped: ShippedCode | undefined): void {
  if (typeof shipped?.keeper === 'object') shipped.keeper[Symbol.dispose]();
}

function placeOf({ facts, resources }: RegistryRuntime): Place {
  const { nodeId, cluster } = facts;
  if (cluster === undefined) return { nodeId, resources, cluster };
  return { nodeId, resources, cluster: { ...cluster, jobId: facts.jobId } };
}
