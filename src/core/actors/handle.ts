import { MobulaError } from '../../common/errors.ts';
import { printable, shown } from '../../common/print.ts';
import { portable } from '../../store/codec/hooks.ts';
import { Refusal } from '../../store/codec/refusal.ts';
import { ObjectRef, releasedAdvice } from '../refs/object-ref.ts';
import type { ThreadRuntime } from '../runtime.ts';
import type { Template } from '../submit/template.ts';
import { portableKind } from '../values/portable-kind.ts';
import { type Callee, methodOf } from './call.ts';

/** Handles do not show what they are made of. */
const callees = new WeakMap<object, Callee>();

/** Whether `value` is a handle. */
export function isActorHandle(value: unknown): value is object {
  return typeof value === 'object' && value !== null && callees.has(value);
}

/** The ref of the actor's object: it lives as long as the actor may be called. */
export function actorRef(handle: object): ObjectRef<unknown> {
  if (isActorHandle(handle)) return calleeOf(handle).ref;
  const problem = 'This is not an actor handle. Pass what ActorClass.remote() or await getActor() gave.';
  throw new MobulaError('ERR_MOBULA_INVALID_ARGUMENT', problem);
}

function calleeOf(handle: object): Callee {
  return callees.get(handle) as Callee;
}

/** Prototypes of handles, by template: the methods are made once per class and thread. */
const prototypes = new WeakMap<Template, object>();

/** A handle to the actor that `ref` stands for. */
export function makeHandle(runtime: ThreadRuntime, ref: ObjectRef<unknown>, template: Template): object {
  let prototype = prototypes.get(template);
  if (prototype === undefined) {
    prototype = makePrototype(template);
    prototypes.set(template, prototype);
  }
  const handle = Object.create(prototype) as object;
  callees.set(handle, { runtime, ref, template });
  return handle;
}

function makePrototype({ info }: Template): object {
  if (info.kind !== 'actor') throw new MobulaError('ERR_MOBULA_INTERNAL', 'not an actor');
  // No prototype: a handle answers to its class's own methods, and to nothing else.
  const prototype = Object.create(null) as object;
  for (const { name } of info.methods) {
    Object.defineProperty(prototype, name, {
      get(this: object) {
        // An object, not a function: a method called `then` or `toJSON` makes no thenable, and nothing that JSON calls.
        const method = methodOf(calleeOf(this), name);
        Object.defineProperty(this, name, { value: method });
        return method;
      },
      enumerable: true,
    });
  }
  Object.defineProperty(prototype, portable, {
    value(this: object) {
      const { runtime, ref, template } = calleeOf(this);
      // Here, as the path is to be that of the handle.
      if (runtime.closed || ObjectRef.index(ref) < 0) throw new Refusal('was released', releasedAdvice);
      return [portableKind.actorHandle, [ref, template.id]] as const;
    },
  });
  Object.defineProperty(prototype, Symbol.dispose, {
    value(this: object) {
      calleeOf(this).ref[Symbol.dispose]();
    },
  });
  printable(prototype, (handle: object) => {
    const { ref } = calleeOf(handle);
    return shown('ActorHandle', info.name, ObjectRef.index(ref) < 0 ? 'released' : ref.id);
  });
  return prototype;
}
