import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { until } from '../support/until.ts';

const MAIN = fileURLToPath(new URL('../../../dist/examples/service/main.js', import.meta.url));

/** What `/health` of the service answers. */
export interface HealthReport {
  readonly status: string;
  readonly requests: { readonly accepted: number; readonly answered: number };
  readonly queue: { readonly depth: number; readonly limit: number; readonly tasks: number };
  readonly store: { readonly capacity: number; readonly used: number; readonly spilled: number };
  readonly workers: number;
  readonly eventLoopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly residentBytes: number;
}

/** How the service ended. */
export interface ServiceEnding {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** The example service in a process of its own. */
export class Service {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';
  #errors = '';

  constructor(env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [MAIN], {
      env: { ...process.env, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (text: Buffer) => {
      this.#output += text.toString();
    });
    this.#child.stderr?.on('data', (text: Buffer) => {
      this.#errors += text.toString();
    });
    this.#ended = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
  }

  /** Where it listens, once it does. */
  async url(): Promise<string> {
    const listening = (): string | undefined => /listening on (http:\S+)/.exec(this.#output)?.[1];
    await until(
      () => listening() !== undefined || this.#child.exitCode !== null,
      () => `the service does not listen: ${this.#errors}`,
      60_000,
    );
    const url = listening();
    if (url === undefined) throw new Error(`the service ended with ${this.#child.exitCode}: ${this.#errors}`);
    return url;
  }

  async health(): Promise<HealthReport> {
    const response = await fetch(`${await this.url()}/health`);
    return (await response.json()) as HealthReport;
  }

  /** Bytes of memory in use, as the kernel counts them. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until it has ended; a service that does not end is killed after a limit that only a hang reaches. */
  async end(limitMs = 60_000): Promise<ServiceEnding> {
    const watchdog = setTimeout(() => this.#child.kill('SIGKILL'), limitMs);
    const code = await this.#ended;
    clearTimeout(watchdog);
    return { code, output: this.#output, errors: this.#errors };
  }
}
