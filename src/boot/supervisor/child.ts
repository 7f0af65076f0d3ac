import { rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { isMobulaError } from '../../common/errors.ts';
import { traceOf } from '../../common/thrown.ts';
import { CHANNEL_FD, type Failure, type HeadConfig, type NodeExit, type Order, type Report } from './contract.ts';
import { readLines } from './lines.ts';

/** What a child has started, as far as its supervisor asks for it. */
export interface Served<Ready> {
  readonly ready: Ready;
  /** Ends what is under way. The process exits when the promise resolves. */
  drain(ms: number): Promise<void>;
  /** A node on this machine is dead. Heads have this. */
  exited?(exit: NodeExit): void;
}

/**
 * The program of a supervisor's child: reads the configuration, calls `start` with it, tells how that went, and carries out orders.
 * The process dies with its supervisor, whatever it does at that moment.
 */
export function serveSupervisor<Config, Ready>(start: (config: Config) => Promise<Served<Ready>>): void {
  const channel = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
  let scratch: string | undefined;
  let served: Promise<Served<Ready>> | undefined;
  const report = (told: Report<Ready>): void => void channel.write(`${JSON.stringify(told)}\n`);
  const begin = async (config: Config): Promise<Served<Ready>> => {
    try {
      const started = await start(config);
      report({ ready: started.ready });
      return started;
    } catch (error) {
      report({ failed: failureOf(error) });
      channel.end(() => process.exit(1));
      return new Promise(() => {});
    }
  };
  const obey = async (order: Order): Promise<void> => {
    const now = await served;
    if ('exited' in order) now?.exited?.(order.exited);
    if ('drain' in order) {
      await now?.drain(order.drain.ms);
      process.exit(0);
    }
  };
  const orphaned = (): void => {
    if (scratch !== undefined) remove(scratch);
    die();
  };
  channel.on('error', orphaned);
  channel.on('end', orphaned);
  readLines(
    channel,
    (value) => {
      if (served === undefined) {
        scratch = scratchOf(value as Partial<HeadConfig>);
        served = begin(value as Config);
      } else void obey(value as Order);
    },
    die,
  );
}

/** The folder that goes with this process, if it has one. */
function scratchOf({ scratch, dataDir }: Partial<HeadConfig>): string | undefined {
  return scratch === true ? dataDir : undefined;
}

/** Removes the folder of this process and of those that it has started, which are told to end first. */
function remove(folder: string): void {
  process.on('SIGTERM', () => {});
  process.kill(-process.pid, 'SIGTERM');
  rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
}

/** Ends this process at once, and those that it has started. */
function die(): void {
  try {
    // A child leads a group of its own.
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.kill(process.pid, 'SIGKILL');
  }
}

/** An error, as it is told. */
export function failureOf(error: unknown): Failure {
  if (isMobulaError(error)) return { code: error.code, message: error.message };
  return { code: 'ERR_MOBULA_INTERNAL', message: traceOf(error) };
}
