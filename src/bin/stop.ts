import { parseArgs } from 'node:util';
import { home } from '../boot/home/paths.ts';
import { stateOf } from '../boot/home/process-mark.ts';
import { type Running, running } from '../boot/home/run-files.ts';
import { now, sleep } from '../common/timers.ts';
import type { Command } from './command.ts';
import { blameFlag } from './start/flags.ts';
import { readSeconds } from './start/values.ts';

const usage = `usage: mobula stop [--timeout S] [--json]

Ends what 'mobula start --detach' has started on this machine: nodes first, then heads. Nodes end the tasks under way.

  --timeout S  seconds until what is left is killed (default 30)
  --json       prints one line of JSON

Exit code: 0 if nothing is left that had not ended by itself, 1 if something had to be killed.`;

/** How often it is looked whether a process has ended. */
const LOOK_MS = 20;

/** What became of one supervisor. */
interface Ended {
  readonly role: Running['role'];
  readonly address: string;
  readonly pid: number;
  readonly killed: boolean;
}

function isAlive({ process: mark }: Running): boolean {
  return stateOf(mark) === 'alive';
}

function signal(one: Running, name: NodeJS.Signals): void {
  try {
    if (isAlive(one)) process.kill(one.process.pid, name);
  } catch {
    // It has ended just now.
  }
}

/** Ends supervisors: they drain until `deadline`, and are killed then. */
async function end(all: readonly Running[], deadline: number): Promise<Ended[]> {
  for (const one of all) signal(one, 'SIGTERM');
  while (all.some(isAlive) && now() < deadline) await sleep(LOOK_MS);
  const late = all.filter(isAlive);
  for (const one of late) signal(one, 'SIGKILL');
  while (late.some(isAlive)) await sleep(LOOK_MS);
  return all.map((one) => ({
    role: one.role,
    address: one.address,
    pid: one.process.pid,
    killed: late.includes(one),
  }));
}

function line({ role, address, pid, killed }: Ended): string {
  const what = role === 'head' ? `the head at ${address}` : `a node of ${address}`;
  return killed ? `Killed ${what} (process ${pid}): it had not ended in time.` : `Ended ${what} (process ${pid}).`;
}

async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { timeout: { type: 'string', default: '30' }, json: { type: 'boolean', default: false } },
  });
  const deadline = now() + blameFlag(() => readSeconds('--timeout', values.timeout));
  const all = running(home().run);
  const detached = all.filter(({ log }) => log !== undefined);
  // Nodes that drain speak with their head.
  const nodes = await end(
    detached.filter(({ role }) => role === 'node'),
    deadline,
  );
  const ended = [
    ...nodes,
    ...(await end(
      detached.filter(({ role }) => role === 'head'),
      deadline,
    )),
  ];
  // The files of those that were killed.
  running(home().run);
  const kept = all.filter(({ log }) => log === undefined);
  if (values.json) console.log(JSON.stringify({ ended }));
  else {
    console.log(
      ended.length === 0 ? 'Nothing that --detach started runs on this machine.' : ended.map(line).join('\n'),
    );
    for (const {
      address,
      process: { pid },
    } of kept)
      console.log(`The head at ${address} runs in the foreground (process ${pid}): it is left alone.`);
  }
  return ended.some(({ killed }) => killed) ? 1 : 0;
}

/** `mobula stop`: ends what `mobula start --detach` has started. */
export const stop: Command = { summary: "ends what 'start --detach' has started on this machine", usage, run };
