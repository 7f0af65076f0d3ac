// Command lines of deploy/, read by the parsers of the command itself.
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { askFlags } from '../../../src/bin/cluster/ask.ts';
import { readFlags } from '../../../src/bin/start/flags.ts';
import { planOf } from '../../../src/bin/start/plan.ts';
import { readAddress } from '../../../src/bin/start/values.ts';
import type { Plan } from '../../../src/boot/supervisor/group.ts';

/** All is in the environment and in flags: nothing of a home is read or made. */
const home = { token: '/nowhere/auth_token', run: '/nowhere/run', logs: '/nowhere/logs', data: '/nowhere/data' };
const environment = { MOBULA_AUTH_TOKEN: 'secret' };

/** Between the end of the drain and that of the container. */
export const ROOM_MS = 10_000;

/** What `mobula start …` would do. Process 1 is mobula itself. */
export function startPlan([program, command, ...flags]: readonly string[]): Plan {
  assert.deepEqual([program, command], ['mobula', 'start']);
  const plan = planOf(readFlags(flags), { home, environment });
  assert.equal(readFlags(flags).detach, false);
  return plan;
}

/** The address that `mobula status …` asks. */
export function asked([program, command, ...flags]: readonly string[]): string {
  assert.deepEqual([program, command], ['mobula', 'status']);
  const { address } = parseArgs({ args: flags, options: askFlags }).values;
  return readAddress('--address', String(address));
}
