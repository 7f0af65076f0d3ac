import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const repository: string = fileURLToPath(new URL('../../../', import.meta.url));

/** How a command of an application ended. */
export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

/** A command that takes longer than this hangs. */
const LIMIT_MS = 120_000;

/** Runs a command to its end. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<CommandResult> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    // A test runner around this one must not make the command believe that it is one of its own.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: undefined, FORCE_COLOR: '0', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString();
  });
  const watchdog = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(watchdog);
      resolve({ code, signal, output, errors });
    });
  });
}

/** An application of somebody else's, in a folder of its own, with mobula in its `node_modules` as npm would put it there. */
export class Application {
  readonly root: string = realpathSync(mkdtempSync(join(tmpdir(), 'mobula-app-')));

  constructor(files: Readonly<Record<string, string>>, manifest: object = { type: 'module' }) {
    const modules = join(this.root, 'node_modules');
    mkdirSync(modules);
    const notExamples = (source: string): boolean => !source.startsWith(join(repository, 'dist', 'examples'));
    for (const part of ['dist', 'native', 'package.json']) {
      cpSync(join(repository, part), join(modules, 'mobula', part), { recursive: true, filter: notExamples });
    }
    this.link('acorn');
    this.write('package.json', JSON.stringify({ name: 'application', private: true, ...manifest }));
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.root, name)), { recursive: true });
    writeFileSync(join(this.root, name), text);
  }

  /** Installs a package that the repository has too. */
  link(name: string): void {
    const target = join(this.root, 'node_modules', name);
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(join(repository, 'node_modules', name), target);
  }

  /** Runs Node in the application. */
  node(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    return runCommand(process.execPath, args, { cwd: this.root, env });
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
