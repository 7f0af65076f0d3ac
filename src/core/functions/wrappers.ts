import { Script } from 'node:vm';
import { WeakValues } from '../../common/weak-values.ts';
import { scriptOptions } from './imports.ts';
import { type AnyFunction, type Shipped, type ShippedFunction, wrapperPrefix } from './shipped.ts';
import { adoptSourceMap } from './source-maps.ts';

/** Evaluates the wrapper: hands out a setter for the captured names, then makes the function, and hands out one for static private fields. */
export type Wrapper = (
  handOut: (fill: (values: Record<string, unknown>) => void) => void,
  privates: (set: (values: readonly unknown[]) => void) => void,
) => unknown;

interface Compiled {
  readonly wrapper: Wrapper;
  /** What the wrapper is called. */
  readonly name: string;
}

/** Wrappers by all that they are made from, as long as a function made in them lives. */
const compiled = new WeakValues<Wrapper>();
const byFunction = new WeakMap<AnyFunction, Wrapper>();

let wrappers = 0;

/**
 * The wrapper to make a function in. Closures of one source share it, and V8 has one copy of their code, if all that they capture is plain
 * data: of anything else the wrapper's name has to tell what it was, should the function be sent on.
 */
export function wrapperFor(item: ShippedFunction): Compiled & { readonly isShared: boolean } {
  if (![...item.captures.values()].every(isPlain)) return { ...compile(item), isShared: false };
  const { file, line, column, form, strict, privates, captures, source } = item;
  const key = JSON.stringify([file, line, column, form, strict, privates?.setter, ...captures.keys(), source]);
  const wrapper = compiled.get(key, () => compile(item).wrapper);
  return { wrapper, name: wrapper.name, isShared: true };
}

/** A function that lives keeps its wrapper. */
export function keepWrapper(fn: AnyFunction, wrapper: Wrapper): void {
  byFunction.set(fn, wrapper);
}

function isPlain(item: Shipped): boolean {
  return item.kind === 'data' && item.patches.length === 0;
}

/** What a source needs to call `import()`, itself or in code that it makes of text. To provide for it costs milliseconds. */
const mayImport = /\bimport\b|\beval\b|Function\b|\.constructor\b/;

/** Compiles a function's source so that stack traces show the file, line and column it came from. */
function compile(item: ShippedFunction): Compiled {
  wrappers += 1;
  const name = `${wrapperPrefix}${wrappers}`;
  const names = [...item.captures.keys()].join(', ');
  const variables =
    names === '' ? '' : `let ${names}; ${name}_fill((${name}_values) => { ({ ${names} } = ${name}_values); }); `;
  const before = `(function ${name}(${name}_fill, ${item.privates?.setter ?? `${name}_set`}) { ${item.strict ? "'use strict'; " : ''}${variables}return (${item.form === 'method' ? '{' : ''}`;
  const after = `${item.form === 'method' ? '}' : ''}); })`;
  adoptSourceMap(item.file);
  const { url } = item.file;
  const script = new Script(before + item.source + after, {
    ...(mayImport.test(item.source) ? scriptOptions(url) : { filename: url }),
    lineOffset: item.line,
    columnOffset: item.column - before.length,
  });
  return { wrapper: script.runInThisContext() as Wrapper, name };
}
