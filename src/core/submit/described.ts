import type { ResolvedCallOptions } from '../../common/call-options.ts';
import { MobulaError } from '../../common/errors.ts';
import type { ResolvedActorOptions, ResolvedTaskOptions } from '../../common/options.ts';
import type { TemplateOptions } from '../../native/addon.ts';
import { type ClusterJob, forwardAsk } from './forwarded.ts';
import { checkPlacement } from './placement.ts';
import type { Remote } from './remote.ts';
import type { ResourceTable } from './resources.ts';
import type { Template, TemplateInfo } from './template.ts';

/** What a template is for the threads (`info`), and for the core (`options`). */
export interface Described {
  readonly info: TemplateInfo;
  readonly options: Omit<TemplateOptions, 'name'>;
}

/** Where the node is, and what it has. */
export interface Place {
  readonly nodeId: string;
  readonly resources: ResourceTable;
  /** Set where the node belongs to a cluster. */
  readonly cluster: ClusterJob | undefined;
}

/** The object with a function's code, and which of the objects that have had its place. */
export interface CodeObject {
  readonly code: number;
  readonly life: number;
}

/** Of the options of calls, those that are the template's. */
export type MethodOptions = Pick<ResolvedCallOptions, 'timeoutMs' | 'numReturns'>;

/** The template of a remote function or actor class. Throws what is wrong with its options on this node. */
export function described(
  remote: Remote<ResolvedTaskOptions | ResolvedActorOptions>,
  object: CodeObject,
  place: Place,
): Described {
  const { shape, code } = remote;
  if (shape.kind === 'actor') {
    return actor(code.source?.name || 'Actor', shape.methods, remote.options as ResolvedActorOptions, object, place);
  }
  return describedTask(shape.generator, remote.options as ResolvedTaskOptions, object, place);
}

function actor(
  name: string,
  methods: readonly { readonly name: string; readonly generator: boolean }[],
  options: ResolvedActorOptions,
  object: CodeObject,
  { nodeId, resources }: Place,
): Described {
  const info: TemplateInfo = {
    kind: 'actor',
    name,
    ...object,
    spec: options,
    methods,
    numReturns: 1,
    generator: false,
    retryExceptions: false,
    timeoutMs: 0,
    maxTaskRetries: options.maxTaskRetries,
    maxPendingCalls: options.maxPendingCalls,
    isolation: options.isolation,
  };
  checkPlacement(options.schedulingStrategy, nodeId, `Actor '${name}'`);
  const terms = {
    maxRestarts: options.maxRestarts,
    maxConcurrency: options.maxConcurrency,
    ownThread: options.isolation === 'thread',
    detached: options.detached,
  };
  return { info, options: { ...plain, ...resources.demand(options, `Actor '${name}'`), ...terms } };
}

/** The template of a function that gives a value, or a stream. */
export function describedTask(
  generator: boolean,
  options: ResolvedTaskOptions,
  object: CodeObject,
  { nodeId, resources, cluster }: Place,
): Described {
  const ask = cluster && forwardAsk(options, nodeId, resources, cluster);
  const forward = ask && JSON.stringify(ask);
  const { name, numReturns, retryExceptions, maxRetries, maxKills, timeoutMs, priority } = options;
  const info: TemplateInfo = {
    kind: 'task',
    name,
    ...object,
    spec: options,
    numReturns,
    generator,
    retryExceptions,
    timeoutMs,
    ...(forward !== undefined && { forward }),
    ...(cluster !== undefined && { job: cluster.jobId }),
  };
  const keeps = ask?.strategy === 'elsewhere';
  const terms = { maxRetries, maxKills, timeoutMs, priority, forward, keeps };
  // Nothing of this node is taken for what it lacks.
  if (forward !== undefined && resources.lacks(options)) return { info, options: { ...plain, ...terms } };
  if (cluster === undefined) checkPlacement(options.schedulingStrategy, nodeId, `Task '${name}'`);
  const demand = resources.demand(options, `Task '${name}'`);
  return { info, options: { ...plain, ...demand, ...terms } };
}

/** The template of calls of a method. */
export function describedMethod(actor: Template, method: string, { timeoutMs, numReturns }: MethodOptions): Described {
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
  return { info, options: { ...plain, timeoutMs, maxRetries: actor.info.maxTaskRetries } };
}

/** A template that asks for nothing. */
const plain: Omit<TemplateOptions, 'name'> = {
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
  job: 0,
  forward: undefined,
  keeps: false,
};
