import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { ErrorCode } from '../common/error-codes.ts';
import { MobulaError, NodeDiedError } from '../common/errors.ts';
import type { AgentConfig, FromAgent, ToAgent } from './agent-messages.ts';
import { ClusterOutput } from './cluster-output.ts';

/** The program of the agent's thread: beside this file. */
const AGENT_FILE = join(dirname(fileURLToPath(import.meta.url)), 'agent.js');

/** The agent of this process, as the thread that has started it has it. */
export class AgentHost {
  readonly #worker: Worker;
  #left = false;
  readonly #over: Promise<void>;
  /** What threads of this node write for others, and what comes from them. */
  readonly output: ClusterOutput = new ClusterOutput();
  /** Is told when the agent has ended by itself, and why. */
  onEnded: (error: Error) => void = () => undefined;
  /** The number of a driver's job. */
  job = 0;

  private constructor(given: Omit<AgentConfig, 'output'>) {
    const workerData: AgentConfig = { ...given, output: this.output.line };
    const transferList = [this.output.line.port];
    // None of the program's own flags and loaders: no code of the user runs there.
    this.#worker = new Worker(AGENT_FILE, { workerData, transferList, execArgv: [], argv: [], name: 'mobula agent' });
    this.#over = new Promise((resolve) =>
      this.#worker.once('exit', () => {
        this.output.agentIsOver();
        resolve();
      }),
    );
  }

  /**
   * Starts the agent; resolves when the head has taken this node in. The core of the process is up.
   *
   * @throws {MobulaError} what kept it from that
   */
  static async start(config: Omit<AgentConfig, 'output'>): Promise<AgentHost> {
    const host = new AgentHost(config);
    await host.#begun();
    // The program ends when its own work is done.
    host.#worker.unref();
    return host;
  }

  #begun(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromAgent) => {
        if (message.kind === 'up') {
          this.job = message.job;
          resolve();
        } else if (message.kind === 'failed') reject(asError(message));
        else if (message.kind === 'ended') this.#end(asError(message));
      });
      const crashed = (cause: unknown): void => {
        const message = `The agent of this node has crashed: ${(cause as Error | undefined)?.message ?? 'its thread ended'}`;
        const error = new MobulaError('ERR_MOBULA_INTERNAL', message, { cause });
        reject(error);
        this.#end(error);
      };
      this.#worker.on('error', crashed);
      this.#worker.once('exit', () => crashed(undefined));
    });
  }

  #end(error: Error): void {
    if (this.#left) return;
    this.#left = true;
    this.onEnded(error);
  }

  /** Leaves the cluster; what runs here for others may end, for so long. Resolves when the agent's thread has ended. */
  leave(ms = 0): Promise<void> {
    const order: ToAgent = { kind: 'leave', ms };
    if (!this.#left) this.#worker.postMessage(order);
    this.#left = true;
    this.#worker.ref();
    return this.#over;
  }
}

function asError({ code, message }: { readonly code: string; readonly message: string }): Error {
  if (code === 'ERR_MOBULA_NODE_DIED') return new NodeDiedError(message);
  return new MobulaError(code as ErrorCode, message);
}
