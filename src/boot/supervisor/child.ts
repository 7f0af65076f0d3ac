import { Socket } from 'node:net';
import { isMobulaError } from '../../common/errors.ts';
import { traceOf } from '../../common/thrown.ts';
import { CHANNEL_FD, type Failure, type Order, type Report } from './contract.ts';
import { readLines } from './lines.ts';

/** What a child has started, as far as its supervisor asks for it. */
export interface Served<Ready> {
  readonly ready: Ready;
  /** Ends what is under way. The process exits when the promise resolves. */
  drain(ms: number): Promise<void>;
}

/**
 * The program of a supervisor's child: reads the configuration, calls `start` with it, tells how that went, and carries out orders.
 * The process dies with its supervisor, whatever it does at that moment.
 */
export function serveSupervisor<Config, Ready>(start: (config: Config) => Promise<Served<Ready>>): void {
  const channel = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
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
  const obey = async ({ drain }: Order): Promise<void> => {
    await (await served)?.drain(drain.ms);
    process.exit(0);
  };
  channel.on('error', die);
  channel.on('end', die);
  readLines(
    channel,
    (value) => {
      if (served === undefined) served = begin(value as Config);
      else void obey(value as Order);
    },
    die,
  );
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
