import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { importerOf } from './imports.ts';

/** A loader hook of this process that a worker has to install again for itself. */
export interface LoaderSetup {
  /** The name it goes by. */
  readonly name: 'tsx' | 'ts-node' | 'swc';
  /** Modules to import first, in order. Where one exports `register`, it is called. */
  readonly modules: readonly string[];
  /** The file that finds them. */
  readonly parent: string;
}

const known = [
  { name: 'tsx', mark: /(?:^|[\\/=\s])tsx(?:$|[\\/\s@])/, modules: ['tsx/cjs/api', 'tsx/esm/api'] },
  { name: 'ts-node', mark: /(?:^|[\\/=\s])ts-node(?:$|[\\/\s@])/, modules: ['ts-node/register'] },
  { name: 'swc', mark: /@swc-node[\\/]register/, modules: ['@swc-node/register', '@swc-node/register/esm-register'] },
] as const;

let detected: LoaderSetup | null | undefined;

/**
 * The TypeScript loader this process was started with, so that the bootstrap of a worker can install it before anything else: hooks installed
 * by `node --import` reach no worker on Node 20.
 */
export function loaderSetup(): LoaderSetup | undefined {
  detected ??= detect() ?? null;
  return detected ?? undefined;
}

/** Whether a worker of this process can load such files: by a known loader or by Node itself, which takes no JSX. */
export function runsTypeScript(extension = '.ts'): boolean {
  return loaderSetup() !== undefined || (extension !== '.tsx' && Boolean(Reflect.get(process.features, 'typescript')));
}

/** Installs a loader in this thread. To be called in a worker before any code of the user is loaded. */
export async function registerLoader(setup: LoaderSetup): Promise<void> {
  // From Node 22 on a worker has the loader from the start; a second one would only transform everything twice.
  if (Number.parseInt(process.versions.node, 10) >= 22) return;
  for (const specifier of setup.modules) {
    const module = await importerOf(setup.parent)(specifier);
    const register: unknown = Reflect.get(module, 'register');
    if (typeof register === 'function') Reflect.apply(register, undefined, []);
  }
}

function detect(): LoaderSetup | undefined {
  const flags = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)].join(' ');
  for (const { name, mark, modules } of known) {
    const parent = mark.test(flags) ? finderOf(modules[0]) : undefined;
    if (parent !== undefined) return { name, modules, parent };
  }
  return undefined;
}

/** A file from which a loader's module can be imported, among those where the user's program would look. */
function finderOf(specifier: string): string | undefined {
  const entry = process.argv[1];
  for (const base of [join(process.cwd(), 'noop.js'), ...(entry === undefined ? [] : [entry]), ...loaderFlags()]) {
    try {
      createRequire(base).resolve(specifier);
      return pathToFileURL(base).href;
    } catch {
      // Not installed there; the next place may have it.
    }
  }
  return undefined;
}

/** Paths named by the flags themselves: `npx tsx` starts node with `--require <its own folder>/preflight.cjs`. */
function loaderFlags(): string[] {
  return process.execArgv
    .map((flag) => flag.replace(/^(?:--(?:import|require|loader)=)?(?:file:\/\/)?/, ''))
    .filter((path) => path.startsWith('/') && existsSync(path));
}
