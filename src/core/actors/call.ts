import { PendingCallsLimitError } from '../../common/errors.ts';
import { type CallOptions, type ResolvedCallOptions, resolveCallOptions } from '../../common/options.ts';
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
  if (signal === undefined) return send(callee, name, args, options);
  const { runtime } = callee;
  if (!signal.aborted) {
    const result = send(callee, name, args, options);
    const weak = new WeakRef(result);
    watchers.add(runtime, signal, result, () => {
      const target = weak.deref();
      if (target !== undefined) stop(runtime, target);
    });
    return result;
  }
  // Submitted and cancelled in one go, so that it never runs.
  let result: unknown;
  runtime.port.together(() => {
    const sent = send(callee, name, args, options);
    stop(runtime, sent);
    result = sent;
  });
  return result;
}

/** What a call gives. */
type Sent = ObjectRef<unknown> | ObjectRef<unknown>[] | ObjectRefStream<unknown>;

function stop(runtime: ThreadRuntime, sent: Sent): void {
  if (sent instanceof ObjectRefStream) {
    void sent.return();
    return;
  }
  // All refs of a call are made by the same task.
  const ref = (Array.isArray(sent) ? sent : [sent]).find((each) => ObjectRef.index(each) >= 0);
  if (ref !== undefined && !runtime.closed) runtime.cancel(ref, false, true);
}

function send(callee: Callee, name: string, args: readonly unknown[], options: ResolvedCallOptions | undefined): Sent {
  const { runtime, ref, template } = callee;
  const actor = runtime.use(ref);
  const { info } = template;
  if (info.kind === 'actor' && info.maxPendingCalls >= 0) checkPending(runtime, actor, info.maxPendingCalls, info.name);
  const method = runtime.registry.method(template, name, options);
  if (method.info.generator) return runtime.submitStream(method, submit.call, args, actor);
  const first = runtime.newRef();
  const { numReturns } = method.info;
  const refs = [first];
  while (refs.length < numReturns) refs.push(runtime.newRef());
  try {
    const results = refs.map((each) => ObjectRef.index(each));
    runtime.submit(method, submit.call, args, results, actor);
  } catch (error) {
    for (const each of refs) each[Symbol.dispose]();
    throw error;
  }
  return numReturns === 1 ? first : refs;
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
