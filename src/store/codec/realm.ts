const objectPrototype = Object.prototype;

/** Whether `prototype` is that of a plain object: none, or the Object.prototype of this or of another realm. */
export function isPlainPrototype(prototype: object | null): boolean {
  return (
    prototype === objectPrototype ||
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && isForeignObjectPrototype(prototype))
  );
}

/** Whether a prototype without a prototype is the Object.prototype of another realm, and not that of a class or a handle. */
function isForeignObjectPrototype(prototype: object): boolean {
  const maker: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return (
    typeof maker === 'function' &&
    maker.prototype === prototype &&
    Function.prototype.toString.call(maker) === 'function Object() { [native code] }'
  );
}

/**
 * Whether `prototype` is the built-in prototype `own`, or its twin in another realm, and not that of a subclass.
 * A twin bears the same constructor name and sits as far from its own realm's Object.prototype.
 */
export function isBuiltinPrototype(prototype: object | null, own: object): boolean {
  if (prototype === own) return true;
  if (prototype === null) return false;
  const maker: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return (
    typeof maker === 'function' &&
    maker.name === own.constructor.name &&
    distanceToPlain(prototype) === distanceToPlain(own)
  );
}

function distanceToPlain(prototype: object): number {
  let distance = 0;
  for (let p: object | null = prototype; p !== null && !isPlainPrototype(p); p = Object.getPrototypeOf(p)) distance++;
  return distance;
}
