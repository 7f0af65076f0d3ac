import { parseArgs } from 'node:util';
import { version } from '../common/version.ts';
import type { Command } from './command.ts';
import { checkBinary, checkNode, checkRuntime, checkSpill } from './doctor/checks.ts';
import { gather } from './doctor/facts.ts';
import { render } from './doctor/render.ts';
import type { Report } from './doctor/report.ts';

async function examine(): Promise<Report> {
  const { facts, failure } = gather();
  const checks = [checkNode(), checkBinary(facts, failure), checkSpill(facts)];
  // Without a binary there is nothing to start.
  if (facts.binary !== null) checks.push(await checkRuntime());
  return { mobula: version, ...facts, checks, ok: checks.every(({ status }) => status !== 'failed') };
}

/** `mobula doctor`: what this machine offers, whether mobula works on it, and what to do if not. */
export const doctor: Command = {
  summary: 'Shows what mobula finds on this machine, and what is missing',
  usage: `usage: mobula doctor [--json]

Shows Node, libc, cores, memory and the binary in use; starts a runtime and runs a task in it.

  --json  prints one JSON object

Exit code: 0, or 1 if something that mobula needs is missing or does not work.`,
  async run(args) {
    const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } } });
    const report = await examine();
    console.log(values.json ? JSON.stringify(report, null, 2) : render(report));
    return report.ok ? 0 : 1;
  },
};
