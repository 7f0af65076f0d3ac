/** A child process, as its parent sees it: started with a configuration, ended by the end of its pipe. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { ErrorCode } from '../common/error-codes.ts';
import { MobulaError } from '../common/errors.ts';
import { clearTimeout, setTimeout } from '../common/timers.ts';
import { type FromChild, PARENT_FD } from './parent.ts';

/** How a child ended. */
export interface Ended {
  /** What it said; undefined: it said nothing. */
  readonly error: MobulaError | undefined;
  /** For messages: `exit code 1`, `signal SIGKILL`. */
  readonly how: string;
}

/** How long a child that was asked to end may take, before it is killed. */
const END_MS = 10_000;

export class Child {
  /** Resolves when it serves. Rejects where it ends before. */
  readonly up: Promise<Readonly<Record<string, string | number>>>;
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  readonly #pipe: Socket;

  /** `name`: for messages. `file`: its program. */
  constructor(name: string, file: string, config: object) {
    // None of the user's loaders and debuggers.
    const { NODE_OPTIONS: _, ...env } = process.env;
    this.#process = spawn(
      process.execPath,
      ['--disallow-code-generation-from-strings', '--max-semi-space-size=32', file],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
        env,
      },
    );
    this.#pipe = this.#process.stdio[PARENT_FD] as Socket;
    let error: MobulaError | undefined;
    this.ended = new Promise((resolve) => {
      // `close` comes after all that it said was read.
      this.#process.once('close', (code, signal) =>
        resolve({ error, how: signal === null ? `exit code ${code}` : `signal ${signal}` }),
      );
      this.#process.once('error', (cause) => {
        const message = `The process of the ${name} cannot be started: ${cause.message}`;
        resolve({ error: new MobulaError('ERR_MOBULA_INTERNAL', message, { cause }), how: 'no start' });
      });
    });
    this.up = new Promise((resolve, reject) => {
      readLines(this.#pipe, (line) => {
        const said = JSON.parse(line) as FromChild;
        if (said.kind === 'up') resolve(said.facts);
        else error = new MobulaError(said.code as ErrorCode, said.message);
      });
      void this.ended.then(({ error: said, how }) =>
        reject(said ?? new MobulaError('ERR_MOBULA_INTERNAL', `The process of the ${name} ended with ${how}`)),
      );
    });
    // Whoever starts a child waits for it, or for its end.
    this.up.catch(() => {});
    // It is gone: `ended` says so.
    this.#pipe.on('error', () => {});
    this.#pipe.write(`${JSON.stringify(config)}\n`);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Whether this process stays alive for it. */
  hold(alive: boolean): void {
    for (const one of [this.#process, this.#pipe]) {
      if (alive) one.ref();
      else one.unref();
    }
  }

  /** Asks it to end, and kills it if it does not. Resolves when it is gone. */
  async stop(): Promise<Ended> {
    this.#pipe.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), END_MS);
    const ended = await this.ended;
    clearTimeout(timer);
    return ended;
  }
}

function readLines(from: Socket, each: (line: string) => void): void {
  let text = '';
  from.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      each(text.slice(0, end));
      text = text.slice(end + 1);
    }
  });
}
