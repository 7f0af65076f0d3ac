import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import type { Capture } from './capture-context.ts';
import type { Located } from './locate.ts';
import type { Step } from './problem.ts';
import type { ScopeEntry } from './scope-chain.ts';
import type { Shipped } from './shipped.ts';

/** Whether a file's URL is the name that Node's REPL gives to what is typed at its prompt. */
export function isTyped(url: string): boolean {
  return /^REPL\d*$/.test(url);
}

/** What only a prompt has among its globals: `require`, and Node's modules by their names. */
export function ofPrompt(name: string, value: unknown): Shipped | undefined {
  if (name === 'require') return { kind: 'require', file: join(process.cwd(), 'prompt') };
  if (!isBuiltin(name) || value !== process.getBuiltinModule(name)) return undefined;
  return { kind: 'intrinsic', module: `node:${name}`, path: [] };
}

/** Whether a function was typed at a prompt: any later line may assign what it uses. */
export function wasTyped(shipped: Shipped): boolean {
  return shipped.kind === 'function' && isTyped(shipped.file.url);
}

/**
 * Whether a global name is a `var` or function that a script declared: it can be assigned, but not deleted. Globals of the platform can be deleted,
 * and those of a browser, which test runners may put here, are accessors.
 */
export function isScriptVariable(name: string): boolean {
  const { configurable, writable, enumerable } = Object.getOwnPropertyDescriptor(globalThis, name) ?? {};
  return configurable === false && writable === true && enumerable === true;
}

/**
 * Refuses a variable of another script, which any script may assign. What is typed at a prompt is an exception: there, captured data is looked at
 * again at each call.
 */
export function refuseOtherScript(step: Step, entry: ScopeEntry, { url }: Located, capture: Capture): void {
  if (entry.state !== 'value' || isTyped(url)) return;
  if (!entry.global && (entry.shared !== true || isConstant(step.name))) return;
  throw capture.fail(
    step,
    'is a variable of another script, which any script may assign; its copy in a worker would go stale',
    'Pass it as an argument, or take its value into a constant (`const copy = …`) and use that.',
  );
}

/** Whether a name that scripts share is a `const`: V8 says so where it is assigned, here with the value that it has. */
function isConstant(name: string): boolean {
  try {
    runInThisContext(`void (${name} = ${name})`);
    return false;
  } catch {
    return true;
  }
}
