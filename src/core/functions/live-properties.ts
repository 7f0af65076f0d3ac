import { createRequire, isBuiltin } from 'node:module';
import { types } from 'node:util';
import type { Expression } from 'acorn';
import { importOrigin } from './bindings.ts';
import type { Capture } from './capture-context.ts';
import { isPackageFile } from './exports.ts';
import { type Located, locateFunction } from './locate.ts';
import { resolveFile } from './modules.ts';
import { type FreeName, freeNames } from './scope.ts';
import type { ScopeEntry } from './scope-chain.ts';
import type { AnyFunction } from './shipped.ts';

/** Getters found before: what they give changes, or does not, for good. */
const known = new WeakMap<AnyFunction, boolean>();

/**
 * Whether a property of what a compiled module exports may get another value after the module's own code has run. Compiled code
 * exports by getters, and re-exports by getters that read other modules: all are followed to the module that has the variable.
 */
export function propertyChanges(owner: object, name: string, capture: Capture): boolean {
  const getter = Object.getOwnPropertyDescriptor(owner, name)?.get;
  if (getter !== undefined) return getterChanges(getter, capture);
  const file = fileOf(owner);
  if (file === undefined || isPackageFile(file)) return false;
  const { sources } = capture;
  return types.isModuleNamespaceObject(owner)
    ? sources.changes({ file, name })
    : sources.propertyChanges({ file, name });
}

function getterChanges(getter: AnyFunction, capture: Capture): boolean {
  const answer = known.get(getter);
  if (answer !== undefined) return answer;
  // Modules may re-export one another.
  known.set(getter, false);
  const changes = looksUp(getter, capture);
  known.set(getter, changes);
  return changes;
}

function looksUp(getter: AnyFunction, capture: Capture): boolean {
  const facts = capture.inspector.look(getter);
  const located = locateFunction(capture.inspector, facts, getter, Function.prototype.toString.call(getter));
  if (typeof located === 'string' || !located.whole) return false;
  const free = freeNames(located.script.analysis, located.range);
  const values = facts.read(free.map(({ name }) => name));
  return forwards(located, values, capture) || free.some((name) => nameChanges(name, located, values, capture));
}

/** `() => from[key]`: TypeScript, esbuild, Babel and SWC copy exports of a module to another one so. */
function forwards({ entry }: Located, values: ReadonlyMap<string, ScopeEntry>, capture: Capture): boolean {
  const given = returned(entry);
  if (given?.type !== 'MemberExpression' || !given.computed) return false;
  const [from, key] = [given.object, given.property].map((part) =>
    part.type === 'Identifier' ? readValue(values, part.name) : undefined,
  );
  return isModule(from) && typeof key === 'string' && propertyChanges(from, key, capture);
}

/** `() => count`, and `() => other.count`, where `other` is a module that was imported. */
function nameChanges(
  { name, binding, references }: FreeName,
  { script, url }: Located,
  values: ReadonlyMap<string, ScopeEntry>,
  capture: Capture,
): boolean {
  if (binding === undefined) return false;
  const { sources } = capture;
  const origin = importOrigin(binding);
  if (origin === undefined) return sources.bindingChanges(script, binding);
  const { specifier } = origin;
  const file = isBuiltin(specifier) ? undefined : resolveFile({ specifier, parent: url });
  // Packages are taken as they are.
  if (isBuiltin(specifier) || (file !== undefined && isPackageFile(file))) return false;
  const members = references.flatMap(({ member }) => (member === undefined ? [] : [member]));
  const module = readValue(values, name);
  if (isModule(module) && members.some((member) => propertyChanges(module, member, capture))) return true;
  const exported = origin.path[0] ?? members[0];
  if (file === undefined || exported === undefined) return false;
  return sources.changes({ file, name: exported }) || sources.propertyChanges({ file, name: exported });
}

/** What a function that does nothing else returns. */
function returned({ node }: Located['entry']): Expression | undefined {
  if (!('body' in node) || node.body.type === 'ClassBody') return undefined;
  if (node.body.type !== 'BlockStatement') return node.body;
  const last = node.body.body.at(-1);
  return last?.type === 'ReturnStatement' ? (last.argument ?? undefined) : undefined;
}

/** The file of a module that is loaded, by what it exports. */
function fileOf(exported: object): string | undefined {
  const { cache } = createRequire(import.meta.url);
  return Object.keys(cache).find((file) => cache[file]?.exports === exported);
}

function readValue(values: ReadonlyMap<string, ScopeEntry>, name: string): unknown {
  const entry = values.get(name);
  return entry?.state === 'value' ? entry.value : undefined;
}

function isModule(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
