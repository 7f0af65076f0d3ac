// A child that keeps to the contract of docs/supervisor.md, and otherwise does what its configuration says: what a head or a node
// may do, on demand.
import { spawn } from 'node:child_process';
import { appendFileSync, openSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { serveSupervisor } from '../../../src/boot/supervisor/child.ts';
import { MobulaError } from '../../../src/common/errors.ts';
import { BEGUN_BYTES } from '../../../src/core/run/begun.ts';

export interface Behaviour {
  /** Written to by each process: a line of JSON with its pid and what it sees. */
  readonly diary: string;
  readonly start: number;
  /** Starts at which it dies before it is up. */
  readonly stillborn?: readonly number[];
  /** Starts at which it says that it cannot be started. */
  readonly fails?: readonly number[];
  /** Never says that it is up. */
  readonly mute?: boolean;
  /** Told to drain, it does not. */
  readonly stubborn?: boolean;
  /** Sends what the contract does not have. */
  readonly garbage?: boolean;
  /** Starts a process that leaves the group, and one that does not. */
  readonly family?: boolean;
  /** Shows a page that begins with these bytes. */
  readonly page?: string;
}

serveSupervisor(async (told: Behaviour) => {
  const family = told.family === true ? [relative(false), relative(true)] : [];
  const note = (what: object): void =>
    appendFileSync(told.diary, `${JSON.stringify({ pid: process.pid, start: told.start, ...what })}\n`);
  note({ argv: process.argv, env: process.env, family });
  if (told.stillborn?.includes(told.start)) process.kill(process.pid, 'SIGSEGV');
  if (told.fails?.includes(told.start)) throw new MobulaError('ERR_MOBULA_UNAUTHORIZED', 'The token is another one');
  if (told.garbage === true) writeSync(3, 'no JSON\n');
  if (told.mute === true) await new Promise(() => {});
  // Alive until it is told otherwise.
  const work = setInterval(() => {}, 1000);
  return {
    ready: { nodeId: `node-${told.start}`, ...(told.page !== undefined && { begunFd: page(told.diary, told.page) }) },
    async drain(ms) {
      note({ drain: ms });
      if (told.stubborn === true) await new Promise(() => {});
      clearInterval(work);
    },
  };
});

/** A process that outlives this one unless somebody ends it. Its output is closed, or it would hold up the test. */
function relative(detached: boolean): number | undefined {
  const child = spawn('sleep', ['1000'], { detached, stdio: 'ignore' });
  child.unref();
  return child.pid;
}

function page(diary: string, bytes: string): number {
  const file = `${diary}-page-${process.pid}`;
  writeFileSync(file, bytes.padEnd(BEGUN_BYTES, '\0'));
  const fd = openSync(file, 'r+');
  unlinkSync(file);
  return fd;
}
