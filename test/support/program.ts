import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How a program ended, and what it left. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
  /** What lies in the folder it was told to spill to. */
  readonly spilled: readonly string[];
}

/** A program of `test/integration/programs` that runs in a process of its own. */
export class Program {
  readonly #child: ChildProcess;
  readonly #spill: string;
  readonly #ended: Promise<readonly [number | null, NodeJS.Signals | null]>;
  #output = '';
  #errors = '';

  /**
   * `node`: options of Node. `inside`: a command that runs the program, which it gets as its last arguments. `spillIn`:
   * where the folder it spills to is made.
   */
  constructor(
    name: string,
    args: readonly string[] = [],
    {
      node = [],
      inside = [],
      spillIn = tmpdir(),
    }: { readonly node?: readonly string[]; readonly inside?: readonly string[]; readonly spillIn?: string } = {},
  ) {
    this.#spill = mkdtempSync(join(spillIn, 'mobula-program-'));
    const file = fileURLToPath(new URL(`../integration/programs/${name}.js`, import.meta.url));
    const [command = process.execPath, ...rest] = [...inside, process.execPath, ...node, file, ...args];
    this.#child = spawn(command, rest, {
      env: { ...process.env, MOBULA_TEST_SPILL: this.#spill },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    this.#ended = new Promise((resolve) => this.#child.once('close', (code, signal) => resolve([code, signal])));
  }

  get output(): string {
    return this.#output;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for its end; a program that takes too long is killed, and tells so by its signal. */
  async end(limitMs = 20_000): Promise<Ending> {
    const watchdog = setTimeout(() => this.#child.kill('SIGKILL'), limitMs);
    const [code, signal] = await this.#ended;
    clearTimeout(watchdog);
    const spilled = existsSync(this.#spill) ? readdirSync(this.#spill) : [];
    rmSync(this.#spill, { recursive: true, force: true });
    return { code, signal, output: this.#output, errors: this.#errors, spilled };
  }
}
