import { functionFields } from '../functions/class-fields.ts';
import { isGenerator } from '../submit/is-generator.ts';
import type { RemoteShape } from '../submit/remote.ts';
import type { MethodInfo } from '../submit/template.ts';
import type { AnyClass } from './actor-class.ts';

/** What the handles of a class have. It is found out when the class is first used: not every thread uses all its classes. */
export function classShape(actor: AnyClass): RemoteShape {
  let methods: readonly MethodInfo[] | undefined;
  return {
    kind: 'actor',
    get methods() {
      methods ??= methodsOf(actor);
      return methods;
    },
  };
}

/** The class's methods, and its fields that hold functions; inherited ones included. */
function methodsOf(actor: AnyClass): MethodInfo[] {
  const methods = new Map<string, boolean>();
  for (let proto = actor.prototype as object | null; proto !== null && proto !== Object.prototype; ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      if (name !== 'constructor' && typeof value === 'function' && !methods.has(name)) {
        methods.set(name, isGenerator(value as Function));
      }
    }
    proto = Object.getPrototypeOf(proto) as object | null;
  }
  // An instance finds its own fields before the methods of its class.
  for (const { name, generator } of functionFields(actor)) methods.set(name, generator);
  return [...methods].map(([name, generator]) => ({ name, generator }));
}
