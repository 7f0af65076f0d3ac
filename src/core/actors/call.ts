import { type CallOptions, type ResolvedCallOptions, resolveCallOptions } from '../../common/call-options.ts';
import { PendingCallsLimitError } from '../../common/errors.ts';
import { submit } from '../port/wire.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import type { ThreadRuntime } from '../runtime.ts';
import { watchers } from '../submit/remote-function.ts';
import type { Template } from '../submit/template.ts';
import { ObjectRefStream } from '../wait/stream.ts';

/** The actor that a call goes to, as a thread knows it. */
export interface Callee {
  readonly runtime: ThreadRuntime;
  readonly ref: ObjectRef<unknown>;
  readonly template: Template;
}

/** A method of a handle, with the options of its calls. */
interface Method {
  remote(...args: unknown[]): unknown;
  options(options: CallOptions): Method;
}

/** The method of that name; `options` are of its calls. */
export function methodOf(callee: Callee, name: string, options?: ResolvedCallOptions): Method {
  return {
    remote: (...args) => call(callee, name, args, options),
    options: (more) => methodOf(callee, name, resolveCallOptions(more, options, isGenerator(callee.template, name))),
  };
}

function isGenerator({ info }: Template, method: string): boolean {
  return info.kind === 'actor' && info.methods.some(({ name, generator }) => name === method && generator);
}

function call(
  callee: Callee,
  name: string,
  args: readonly unknown[],
  options: ResolvedCallOptions | undefined,
): unknown {
  const signal = options?.signal;
  if (signal === undefined) return send(callee, name, args, options, submit.call);
  const { runtime } = callee;
  if (!signal.aborted) {
    const sent = send(callee, name, args, options, submit.call);
    // Any ref of the call may be the one that is kept.
    for (const each of Array.isArray(sent) ? sent : [sent]) watch(runtime, signal, each);
    return sent;
  }
  // What is cancelled already is never placed: the actor's thread might take it before the cancel comes.
  return send(callee, name, args, options, submit.call | submit.cancelled);
}

/** What a call gives, or one of several refs of it. */
type One = ObjectRef<unknown> | ObjectRefStream<unknown>;
type Sent = One | ObjectRef<unknown>[];

function watch(runtime: ThreadRuntime, signal: AbortSignal, one: One): void {
  const weak = new WeakRef(one);
  watchers.add(runtime, signal, one, () => {
    const target = weak.deref();
    if (target !== undefined) stop(runtime, target);
  });
}

/** Cancels the task behind one of its refs. */
function stop(runtime: ThreadRuntime, one: One): void {
  if (one instanceof ObjectRefStream) one.cancel();
  else if (!runtime.closed && ObjectRef.index(one) >= 0) runtime.submitter.cancel(one, false, true);
}

function send(
  callee: Callee,
  name: string,
  args: readonly unknown[],
  options: ResolvedCallOptions | undefined,
  flags: number,
): Sent {
  const { runtime, ref, template } = callee;
  const actor = runtime.refs.use(ref, 'This actor handle');
  const { info } = template;
  if (info.kind === 'actor' && info.maxPendingCalls >= 0) checkPending(runtime, actor, info.maxPendingCalls, info.name);
  const method = runtime.registry.method(template, name, options);
  if (method.info.generator) return runtime.submitter.submitStream(method, flags, args, actor);
  if (method.info.numReturns > 1) return sendForSeveral(runtime, method, flags, args, actor);
  const result = runtime.refs.make();
  try {
    runtime.submitter.submit(method, flags, args, [ObjectRef.index(result)], actor);
  } catch (error) {
    result[Symbol.dispose]();
    throw error;
  }
  return result;
}

function sendForSeveral(
  runtime: ThreadRuntime,
  method: Template,
  flags: number,
  args: readonly unknown[],
  actor: number,
): ObjectRef<unknown>[] {
  const refs = Array.from({ length: method.info.numReturns }, () => runtime.refs.make());
  try {
    const results = refs.map((ref) => ObjectRef.index(ref));
    runtime.submitter.submit(method, flags, args, results, actor);
  } catch (error) {
    for (const ref of refs) ref[Symbol.dispose]();
    throw error;
  }
  return refs;
}

function checkPending(runtime: ThreadRuntime, actor: number, limit: number, name: string): void {
  runtime.port.flush();
  const pending = runtime.addon.pendingCalls(runtime.port.id, actor);
  if (pending < limit) return;
  const advice = 'Wait for some of them, or raise maxPendingCalls.';
  throw new PendingCallsLimitError(
    `Actor '${name}' has ${pending} calls waiting, and its maxPendingCalls is ${limit}. ${advice}`,
  );
}
