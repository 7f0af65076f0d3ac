import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { entries } from '../../boot/entries.ts';
import type { Home } from '../../boot/home/paths.ts';
import { startChild } from '../../boot/supervisor/child-process.ts';
import type { Failure } from '../../boot/supervisor/contract.ts';
import type { Plan, Up } from '../../boot/supervisor/group.ts';
import { how } from '../../boot/supervisor/life.ts';
import type { Serving } from '../../boot/supervisor/serve.ts';
import { asError } from '../../boot/supervisor/supervised.ts';

/** What was started, and where it writes. */
export interface Detached {
  readonly up: Up;
  readonly pid: number;
  readonly log: string;
}

/**
 * Starts a supervisor that stays when this process is gone. Resolves when all of its plan is up.
 *
 * @throws MobulaError: what kept it from starting. Nothing is left of it then.
 */
export async function detach(plan: Plan, home: Home): Promise<Detached> {
  mkdirSync(home.logs, { recursive: true, mode: 0o700 });
  const name = plan.head === undefined ? 'node' : `head-${plan.head.port}`;
  const log = join(home.logs, `${name}-${new Date().toISOString().replaceAll(':', '-')}.log`);
  const output = openSync(log, 'a', 0o600);
  try {
    const serving: Serving = { plan, runFolder: home.run, log };
    return await new Promise((resolve, reject) => {
      let failure: Failure | undefined;
      const child = startChild<Up>(entries.detached, serving, output, {
        reported(report) {
          if ('failed' in report) failure = report.failed;
          else {
            child.hold(false);
            resolve({ up: report.ready, pid: child.pid ?? 0, log });
          }
        },
        exited(exit, problem) {
          const text = `The supervisor died while it started: ${problem ?? how(exit)}`;
          reject(asError(failure ?? { code: 'ERR_MOBULA_NODE_DIED', message: `${text}. Its log is ${log}` }));
        },
      });
    });
  } finally {
    closeSync(output);
  }
}
