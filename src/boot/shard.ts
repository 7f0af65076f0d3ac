/** The program of a shard's process: it owns the port of the cluster, and is the authority for life and death. */
import { MobulaError } from '../common/errors.ts';
import { now, sleep } from '../common/timers.ts';
import { version } from '../common/version.ts';
import { DiskLog, LogInUseError, type LogListener } from '../gcs/log/disk.ts';
import { newShard, type ShardState } from '../gcs/shard/index.ts';
import { listen } from '../transport/websocket/listen.ts';
import { HeadServer } from '../wire/serve.ts';
import { ShardRunner } from '../wire/shard-runner.ts';
import { meetParent, type Parent } from './parent.ts';

export interface ShardConfig {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  readonly token: string;
  readonly nodeId: string;
  /** Where the log is; null: there is none, and what is known ends with this process. */
  readonly dataDir: string | null;
  /** After so long a silence a node is dead. */
  readonly nodeTimeoutMs: number;
  /** So long after a restart nodes may come back. */
  readonly reconnectMs: number;
}

/** After so long a silence everybody is told that a node may be dead. */
const SUSPECT_MS = 1_000;

/** How long a head that was told to end, or whose supervisor is gone, may have its log. */
const PREDECESSOR_MS = 2_000;

const parent = await meetParent<ShardConfig>();
try {
  await serve(parent);
} catch (error) {
  parent.fail(error);
}

async function serve({ config, up, fail, whenOver }: Parent<ShardConfig>): Promise<void> {
  const { host, port, token, nodeId, dataDir, nodeTimeoutMs, reconnectMs } = config;
  let runner: ShardRunner | undefined;
  const log =
    dataDir === null
      ? null
      : await openLog(dataDir, {
          written: (seq) => runner?.tell({ kind: 'written', seq }),
          synced: (seq) => runner?.tell({ kind: 'synced', seq }),
          failed: (error) => {
            runner?.tell({ kind: 'log-failed' });
            fail(error);
          },
        });
  runner = new ShardRunner(recover(log, dataDir), log, () => {
    // Why is said by the log.
  });
  const epoch = log?.epoch ?? 1;
  runner.tell({ kind: 'start', epoch, clean: log?.clean ?? true, reconnectMs });
  const settings = { nodeTimeoutMs, suspectMs: SUSPECT_MS, returnMs: reconnectMs };
  const server = new HeadServer(runner, settings, fail);
  await server.start();
  const listener = await listen(host, port, { nodeId, version, token }, server.accept);
  whenOver(async () => {
    server.stop();
    await listener.stop();
    log?.close();
  });
  up({ port: listener.port, epoch });
}

/** A head that was killed may still be ending: its log is waited for a little. */
async function openLog(dataDir: string, listener: LogListener): Promise<DiskLog> {
  const { addon } = await import('../native/binding.ts');
  const until = now() + PREDECESSOR_MS;
  for (;;) {
    try {
      return new DiskLog(addon, dataDir, listener);
    } catch (error) {
      if (!(error instanceof LogInUseError) || now() > until) throw error;
    }
    await sleep(20);
  }
}

/** The shard as its log has it. */
function recover(log: DiskLog | null, dataDir: string | null): ShardState {
  try {
    return newShard(log?.read() ?? null);
  } catch (cause) {
    if (cause instanceof MobulaError) throw cause;
    throw new MobulaError(
      'ERR_MOBULA_DATA_DIRECTORY',
      `The log in ${dataDir} is damaged: ${(cause as Error).message}. Bring back a copy of it, or start with another --data-dir`,
      { cause },
    );
  }
}
