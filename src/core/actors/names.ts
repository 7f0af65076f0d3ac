import { submit } from '../port/wire.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import type { ThreadRuntime } from '../runtime.ts';
import type { ActorName } from '../submit/submitter.ts';
import type { Template } from '../submit/template.ts';
import { makeHandle } from './handle.ts';

/** A handle to the live actor of that name. */
export function findActor(runtime: ThreadRuntime, { namespace, name }: ActorName): object | undefined {
  // The thread's own creations come first.
  runtime.port.flush();
  const [object, template] = runtime.addon.findActor(runtime.port.id, namespace, name);
  if (object === undefined || template === undefined) return undefined;
  return makeHandle(runtime, runtime.refs.adopt(object), runtime.registry.get(template));
}

/** Creates an actor. One whose name is taken is dead from the start, and every call of its handle says so. */
export function createActor(
  runtime: ThreadRuntime,
  template: Template,
  args: readonly unknown[],
  name: ActorName | undefined,
): object {
  return makeHandle(runtime, submitCreation(runtime, template, args, name), template);
}

function submitCreation(
  runtime: ThreadRuntime,
  template: Template,
  args: readonly unknown[],
  name: ActorName | undefined,
): ObjectRef<unknown> {
  const ref = runtime.refs.make();
  const flags = name === undefined ? submit.create : submit.create | submit.named;
  try {
    runtime.submitter.submit(template, flags, args, [ObjectRef.index(ref)], -1, -1, name);
  } catch (error) {
    ref[Symbol.dispose]();
    throw error;
  }
  return ref;
}

/** The actor of that name, or else a new one. */
export function getOrCreateActor(
  runtime: ThreadRuntime,
  template: Template,
  args: readonly unknown[],
  name: ActorName,
): object {
  const found = findActor(runtime, name);
  if (found !== undefined) return found;
  const ref = submitCreation(runtime, template, args, name);
  runtime.port.flush();
  if (runtime.addon.hasName(runtime.port.id, ObjectRef.index(ref))) return makeHandle(runtime, ref, template);
  // Another thread was faster. If its actor is gone as well by now, the calls of this handle tell that the name was taken.
  return findActor(runtime, name) ?? makeHandle(runtime, ref, template);
}
