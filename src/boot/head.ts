/** The supervisor of a head: its shard and its scheduler as child processes. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { MobulaError } from '../common/errors.ts';
import { now, sleep } from '../common/timers.ts';
import { Child } from './child.ts';
import type { SchedulerConfig } from './scheduler.ts';
import type { ShardConfig } from './shard.ts';

export interface HeadConfig {
  /** Where nodes and drivers connect. */
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  readonly token: string;
  /** Where the log is: one head at a time has it. null: there is none, and what is known ends with the shard's process. */
  readonly dataDir: string | null;
  /** After so long a silence a node is dead. */
  readonly nodeTimeoutMs: number;
  /** So long after a restart nodes may come back. */
  readonly reconnectMs: number;
  /** Is told in one line of what went wrong and was mended. */
  readonly note: (line: string) => void;
}

export interface RunningHead {
  readonly host: string;
  readonly port: number;
  /** The processes as they are now; 0: it is being started. */
  readonly pids: { readonly shard: number; readonly scheduler: number };
  /** Resolves when the head has ended: with the error, or with undefined after `stop`. */
  readonly ended: Promise<Error | undefined>;
  /** Ends both processes. What the shard has acknowledged is on the disk. */
  stop(): Promise<void>;
  /** Whether this process stays alive for the head. Default: it does. */
  hold(alive: boolean): void;
}

/** A process that ended so soon after its start is started again after a while only. */
const SOON_MS = 10_000;
const LEAST_WAIT_MS = 50;
const MOST_WAIT_MS = 5_000;
/** After so many short lives of the shard in a row the head gives up. */
const MOST_SHORT_LIVES = 5;

/**
 * Starts a head. Both processes end with this one, whatever ends it.
 *
 * @throws MobulaError `ERR_MOBULA_CONNECTION`: the port is taken, or there is no such address; `ERR_MOBULA_DATA_DIRECTORY`: another
 * head has the data directory, or it cannot be used.
 */
export async function startHead(config: HeadConfig): Promise<RunningHead> {
  const head = new Supervisor(config);
  await head.start();
  return head;
}

class Supervisor implements RunningHead {
  readonly ended: Promise<Error | undefined>;
  readonly #config: HeadConfig;
  #resolve: (error: Error | undefined) => void = () => {};
  #shard: Child | undefined;
  #scheduler: Child | undefined;
  #port = 0;
  #stopping = false;
  #held = true;
  #shortLives = 0;

  constructor(config: HeadConfig) {
    this.#config = config;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get host(): string {
    return this.#config.host;
  }

  get port(): number {
    return this.#port;
  }

  get pids(): RunningHead['pids'] {
    return { shard: this.#shard?.pid ?? 0, scheduler: this.#scheduler?.pid ?? 0 };
  }

  async start(): Promise<void> {
    this.#port = this.#config.port;
    await this.#startShard();
    try {
      await this.#startScheduler();
    } catch (error) {
      await this.#end();
      throw error;
    }
    void this.#watchShard();
    void this.#watchScheduler();
  }

  async stop(): Promise<void> {
    await this.#end();
    this.#resolve(undefined);
  }

  hold(alive: boolean): void {
    this.#held = alive;
    this.#shard?.hold(alive);
    this.#scheduler?.hold(alive);
  }

  async #end(): Promise<void> {
    this.#stopping = true;
    this.hold(true);
    await this.#scheduler?.stop();
    await this.#shard?.stop();
  }

  async #fail(error: Error): Promise<void> {
    await this.#end();
    this.#resolve(error);
  }

  async #startShard(): Promise<void> {
    const { host, token, dataDir, nodeTimeoutMs, reconnectMs } = this.#config;
    const config: ShardConfig = { host, port: this.#port, token, nodeId: newId(), dataDir, nodeTimeoutMs, reconnectMs };
    this.#shard = new Child('control store', program('shard'), config);
    const { port } = await this.#shard.up;
    this.#port = Number(port);
    this.#shard.hold(this.#held);
  }

  async #startScheduler(): Promise<void> {
    const { host, token } = this.#config;
    const config: SchedulerConfig = { host: reachable(host), port: this.#port, token, nodeId: newId() };
    this.#scheduler = new Child('scheduler', program('scheduler'), config);
    await this.#scheduler.up;
    this.#scheduler.hold(this.#held);
  }

  /** Starts the shard again as its log has it, when its process has ended. */
  async #watchShard(): Promise<void> {
    const { dataDir, note } = this.#config;
    while (this.#shard !== undefined) {
      const began = now();
      const { error, how } = await this.#shard.ended;
      if (this.#stopping) return;
      this.#shortLives = now() - began < SOON_MS ? this.#shortLives + 1 : 0;
      if (error !== undefined || dataDir === null || this.#shortLives > MOST_SHORT_LIVES) {
        const message = `The process of the control store ended with ${how}`;
        await this.#fail(error ?? new MobulaError('ERR_MOBULA_CLUSTER_STATE_LOST', message));
        return;
      }
      note(`The process of the control store ended with ${how}; it is started again, with what its log has`);
      try {
        await this.#startShard();
      } catch (failure) {
        if (!this.#stopping) await this.#fail(failure as Error);
        return;
      }
    }
  }

  /** Starts the scheduler again whenever its process has ended. */
  async #watchScheduler(): Promise<void> {
    for (let wait = LEAST_WAIT_MS; this.#scheduler !== undefined; ) {
      const began = now();
      const { error, how } = await this.#scheduler.ended;
      if (this.#stopping) return;
      wait = now() - began < SOON_MS ? Math.min(2 * wait, MOST_WAIT_MS) : LEAST_WAIT_MS;
      // With the head away it cannot but end.
      if (error?.code !== 'ERR_MOBULA_CONTROL_STORE_UNAVAILABLE' && error?.code !== 'ERR_MOBULA_CONNECTION')
        this.#config.note(`The scheduler ended with ${how}; it is started again${error ? `: ${error.message}` : ''}`);
      await sleep(wait);
      if (this.#stopping) return;
      await this.#startScheduler().catch(() => {
        // It has ended again: the loop sees it.
      });
    }
  }
}

/** The program of a child: beside this file. */
function program(name: 'shard' | 'scheduler'): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

function newId(): string {
  return randomBytes(8).toString('hex');
}

/** Where a process of this machine reaches what listens at `host`. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}
