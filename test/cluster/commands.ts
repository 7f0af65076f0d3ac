import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const mobula = fileURLToPath(new URL('../../../dist/bin/mobula.js', import.meta.url));

/** How a command ended. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** A command that runs. */
export interface Foreground {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  /** The next line of its output. */
  line(): Promise<string>;
  readonly ended: Promise<Outcome>;
}

/** Somebody with a home of their own, who types commands. All that they start ends with the test. */
export class User {
  readonly home: string = mkdtempSync(join(tmpdir(), 'mobula-user-'));
  readonly #env: NodeJS.ProcessEnv;

  constructor(t: TestContext) {
    const { MOBULA_AUTH_TOKEN: _, MOBULA_ADDRESS: __, ...env } = process.env;
    this.#env = { ...env, HOME: this.home };
    t.after(async () => {
      await this.run(['stop', '--timeout', '0']);
      rmSync(this.home, { recursive: true, force: true, maxRetries: 20 });
    });
  }

  /** A path in `~/.mobula`. */
  path(...parts: string[]): string {
    return join(this.home, '.mobula', ...parts);
  }

  /** Runs a command to its end. */
  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [mobula, ...args],
        { env: { ...this.#env, ...env }, cwd: this.home, timeout: 240_000, killSignal: 'SIGKILL' },
        (_error, output, errors) => resolve({ code: child.exitCode, output, errors }),
      );
    });
  }

  /** Starts a command that stays. `before`: what starts it elsewhere. */
  start(
    t: TestContext,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    before: readonly string[] = [],
  ): Foreground {
    return this.program(t, [mobula, ...args], env, before);
  }

  /** Starts a program of JavaScript that stays. */
  program(
    t: TestContext,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    before: readonly string[] = [],
  ): Foreground {
    const [file = '', ...all] = [...before, process.execPath, ...args];
    const child = spawn(file, all, {
      env: { ...this.#env, ...env },
      cwd: this.home,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(() => child.kill('SIGKILL'));
    let [output, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return {
      process: child,
      line: async () => String((await lines.next()).value ?? `it ended: ${errors}`),
      ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, output, errors }))),
    };
  }
}

/** A port at which nobody listens. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
}
