import type { ResolvedCallOptions } from '../../common/call-options.ts';
import { MobulaError } from '../../common/errors.ts';
import type { ResolvedActorOptions, ResolvedTaskOptions } from '../../common/options.ts';
import type { TemplateOptions } from '../../native/addon.ts';
import type { Shipped } from '../functions/shipped.ts';
import type { Port } from '../port/port.ts';
import type { ThreadRuntime } from '../runtime.ts';
import { checkPlacement } from './placement.ts';
import type { Code, Remote } from './remote.ts';
import type { ResourceTable } from './resources.ts';
import type { Template, TemplateInfo } from './template.ts';

/** How the registry writes code into the object store. */
export interface CodeWriter {
  /** A fresh object of this thread. */
  newObject(): number;
  /** Writes a value into an object of this thread. */
  putInto(object: number, value: unknown, path: string): void;
  /** Describes a function for its way to other threads. */
  ship(source: Function): Shipped;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** In the place of code that could not be written. */
export interface Unshipped {
  readonly kind: 'unshipped';
}

type AnyRemote = Remote<ResolvedTaskOptions | ResolvedActorOptions>;

/** The templates of a node as one thread knows them. */
export class Registry {
  readonly #port: Port;
  readonly #resources: ResourceTable;
  readonly #code: CodeWriter;
  readonly #nodeId: string;
  readonly #templates: (Template | undefined)[] = [];
  /** Code that the call under way is writing, or has written, outermost first: it may name one another. */
  readonly #unfinished: Code[] = [];
  /** Templates of methods, by actor template. */
  readonly #methods = new Map<number, Map<string, Template>>();
  /** Templates of methods with options of calls, by all that tells them apart. */
  readonly #methodsWith = new Map<string, Template>();

  constructor(port: Port, resources: ResourceTable, code: CodeWriter, nodeId: string) {
    this.#nodeId = nodeId;
    this.#port = port;
    this.#resources = resources;
    this.#code = code;
  }

  /** The template with this number. */
  get(id: number): Template {
    const known = this.#templates[id];
    if (known !== undefined) return known;
    const meta = this.#port.addon.templateMeta(this.#port.id, id);
    const template: Template = { id, info: JSON.parse(decoder.decode(meta)) as TemplateInfo };
    this.#templates[id] = template;
    return template;
  }

  /** Registers a remote function or actor class, and ships its code if that is not there yet. All of it, or nothing. */
  register(remote: AnyRemote, runtime: ThreadRuntime): Template {
    const before = this.#unfinished.length;
    try {
      const template = remote.registered(runtime) ?? this.#addFirst(remote);
      // Known from now on, so that a function that calls itself can travel inside its own closure.
      remote.adopt(runtime, template);
      if (remote.code.state === 'absent') this.#ship(remote);
      return template;
    } catch (error) {
      this.#undo(before);
      throw error;
    } finally {
      if (before === 0) this.#unfinished.length = 0;
    }
  }

  /** Adds the template; code that has no object yet gets one only if that goes well. */
  #addFirst(remote: AnyRemote): Template {
    const { code } = remote;
    if (code.object >= 0) return this.#add(remote);
    code.object = this.#code.newObject();
    try {
      return this.#add(remote);
    } catch (error) {
      code.object = -1;
      throw error;
    }
  }

  #ship({ code }: AnyRemote): void {
    if (code.source === undefined) throw new MobulaError('ERR_MOBULA_INTERNAL', 'a remote function has no code');
    code.state = 'being written';
    code.told = false;
    this.#unfinished.push(code);
    this.#code.putInto(code.object, this.#code.ship(code.source), 'the function');
    this.#port.addon.holdObject(this.#port.id, code.object);
    code.state = 'there';
  }

  /**
   * Nothing stays of what was begun since: the next call begins anew. Code that nobody was told of keeps its object. Of other
   * code some may name what is not there: it gets another object, and the old one says so to threads that have its number.
   */
  #undo(before: number): void {
    const undone = this.#unfinished.splice(before);
    for (const code of undone) {
      const isKnown = code.told || undone.length > 1;
      if (isKnown && code.state === 'being written') this.#say(code.object);
      if (isKnown) code.object = -1;
      code.state = 'absent';
    }
  }

  /** Tasks that were submitted meanwhile fail instead of waiting for code that never comes. */
  #say(object: number): void {
    try {
      this.#code.putInto(object, { kind: 'unshipped' } satisfies Unshipped, 'the function');
      this.#port.addon.holdObject(this.#port.id, object);
    } catch {
      // The store is full, or the runtime is closed: the first error says so to the caller.
    }
  }

  #add(remote: AnyRemote): Template {
    const { shape, code } = remote;
    if (shape.kind === 'actor') {
      const options = remote.options as ResolvedActorOptions;
      const name = code.source?.name || 'Actor';
      const info: TemplateInfo = {
        kind: 'actor',
        name,
        code: code.object,
        spec: options,
        methods: shape.methods,
        numReturns: 1,
        generator: false,
        retryExceptions: false,
        timeoutMs: 0,
        maxTaskRetries: options.maxTaskRetries,
        maxPendingCalls: options.maxPendingCalls,
        isolation: options.isolation,
      };
      checkPlacement(options.schedulingStrategy, this.#nodeId, `Actor '${name}'`);
      const demand = this.#resources.demand(options, `Actor '${name}'`);
      return this.#store(info, { ...plain, ...demand, ...actorTerms(options) });
    }
    const options = remote.options as ResolvedTaskOptions;
    const info: TemplateInfo = {
      kind: 'task',
      name: options.name,
      code: code.object,
      spec: options,
      numReturns: options.numReturns,
      generator: shape.generator,
      retryExceptions: options.retryExceptions,
      timeoutMs: options.timeoutMs,
    };
    checkPlacement(options.schedulingStrategy, this.#nodeId, `Task '${options.name}'`);
    const demand = this.#resources.demand(options, `Task '${options.name}'`);
    const { maxRetries, maxKills, timeoutMs, priority } = options;
    return this.#store(info, { ...plain, ...demand, maxRetries, maxKills, timeoutMs, priority });
  }

  /** The template for calls of a method. */
  method(actor: Template, method: string, options: MethodOptions = noOptions): Template {
    const { timeoutMs, numReturns } = options;
    if (timeoutMs > 0 || numReturns > 1) return this.#methodWith(actor, method, options);
    let methods = this.#methods.get(actor.id);
    if (methods === undefined) {
      methods = new Map();
      this.#methods.set(actor.id, methods);
    }
    let template = methods.get(method);
    if (template === undefined) {
      template = this.#addMethod(actor, method, noOptions);
      methods.set(method, template);
    }
    return template;
  }

  /** As `method`: one for each set of options that calls were made with. */
  #methodWith(actor: Template, method: string, options: MethodOptions): Template {
    const key = `${actor.id} ${options.timeoutMs} ${options.numReturns} ${method}`;
    let template = this.#methodsWith.get(key);
    if (template === undefined) {
      template = this.#addMethod(actor, method, options);
      this.#methodsWith.set(key, template);
    }
    return template;
  }

  #addMethod(actor: Template, method: string, { timeoutMs, numReturns }: MethodOptions): Template {
    if (actor.info.kind !== 'actor') throw new MobulaError('ERR_MOBULA_INTERNAL', 'only actors have methods');
    const info: TemplateInfo = {
      kind: 'method',
      name: `${actor.info.name}.${method}`,
      actor: actor.id,
      method,
      numReturns,
      generator: actor.info.methods.some(({ name, generator }) => name === method && generator),
      retryExceptions: false,
      timeoutMs,
    };
    return this.#store(info, { ...plain, timeoutMs, maxRetries: actor.info.maxTaskRetries });
  }

  #store(info: TemplateInfo, options: TemplateOptions): Template {
    const id = this.#port.addon.addTemplate(this.#port.id, options, encoder.encode(JSON.stringify(info)));
    const template: Template = { id, info };
    this.#templates[id] = template;
    return template;
  }
}

/** Of the options of calls, those that are the template's. */
type MethodOptions = Pick<ResolvedCallOptions, 'timeoutMs' | 'numReturns'>;

const noOptions: MethodOptions = { timeoutMs: 0, numReturns: 1 };

/** A template that asks for nothing. */
const plain: TemplateOptions = {
  priority: 0,
  cpu: 0,
  others: [],
  maxRetries: 0,
  maxKills: -1,
  timeoutMs: 0,
  maxRestarts: 0,
  maxConcurrency: 1,
  ownThread: false,
  detached: false,
};

function actorTerms(options: ResolvedActorOptions): Partial<TemplateOptions> {
  return {
    maxRestarts: options.maxRestarts,
    maxConcurrency: options.maxConcurrency,
    ownThread: options.isolation === 'thread',
    detached: options.detached,
  };
}
