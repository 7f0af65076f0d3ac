import type { ObjectRef } from '../refs/object-ref.ts';

const known = new WeakSet<ObjectRef<unknown>>();

/** The ref keeps a remote function registered; what it stands for is code, not a value. */
export function marksRegistration(ref: ObjectRef<unknown>): void {
  known.add(ref);
}

/** Whether the ref keeps a remote function registered. */
export function isRegistration(ref: ObjectRef<unknown>): boolean {
  return known.has(ref);
}
