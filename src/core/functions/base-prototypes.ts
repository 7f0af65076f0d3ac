import { isNativeText } from './intrinsics.ts';

const ofFunctions: ReadonlySet<string> = new Set([
  'Function',
  'AsyncFunction',
  'GeneratorFunction',
  'AsyncGeneratorFunction',
]);
/** Those that were looked at, with the names of their constructors. */
const known = new WeakMap<object, string>();
const ofObjects: ReadonlySet<string> = new Set(['Object']);

/** Whether `value` is what functions inherit from that extend nothing, in any realm. */
export function isFunctionPrototype(value: unknown): boolean {
  return isBase(value, ofFunctions);
}

/** Whether `value` is what objects inherit from that extend nothing, in any realm. */
export function isObjectPrototype(value: unknown): boolean {
  return isBase(value, ofObjects);
}

function isBase(value: unknown, names: ReadonlySet<string>): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  if (known.has(value)) return names.has(known.get(value) as string);
  const maker: unknown = Object.getOwnPropertyDescriptor(value, 'constructor')?.value;
  if (typeof maker !== 'function' || !names.has(maker.name) || maker.prototype !== value) return false;
  if (!isNativeText(Function.prototype.toString.call(maker))) return false;
  known.set(value, maker.name);
  return true;
}
