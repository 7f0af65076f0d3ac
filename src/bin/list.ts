import { parseArgs } from 'node:util';
import type { ClusterView } from '../boot/ask-head.ts';
import { amountText } from './cluster/amounts.ts';
import { askCluster, askFlags, askUsage } from './cluster/ask.ts';
import { table } from './cluster/table.ts';
import { type Command, UsageError } from './command.ts';

/** What can be listed. */
interface Subject {
  /** With --json: the rows as the head has them, less what is not for people. */
  rows(view: ClusterView): readonly object[];
  readonly headings: readonly string[];
  cells(view: ClusterView): readonly (readonly string[])[];
}

const pairs = (all: Readonly<Record<string, unknown>>, text: (name: string) => string): string =>
  Object.keys(all)
    .map((name) => `${name}=${text(name)}`)
    .join(' ');

const subjects: Readonly<Record<string, Subject>> = {
  nodes: {
    rows: ({ nodes }) => nodes.map(({ begun: _, ...row }) => row),
    headings: ['NODE', 'KIND', 'STATE', 'HOST', 'PID', 'RESOURCES', 'LABELS'],
    cells: ({ nodes }) =>
      nodes.map(({ nodeId, driver, alive, cause, host, pid, resources, labels }) => [
        nodeId,
        driver ? 'driver' : 'node',
        alive ? 'alive' : `dead: ${cause}`,
        host,
        String(pid),
        pairs(resources, (name) => amountText(name, resources[name] ?? 0).replace(' ', '')),
        pairs(labels, (name) => labels[name] ?? ''),
      ]),
  },
  jobs: {
    rows: ({ jobs }) => jobs,
    headings: ['JOB', 'STATE', 'NAME', 'NAMESPACE', 'DRIVER'],
    cells: ({ jobs }) =>
      jobs.map(({ job, ended, name, namespace, driver }) => [
        String(job),
        ended ? 'ended' : 'running',
        name,
        namespace,
        driver,
      ]),
  },
};

const names = Object.keys(subjects).join('|');

const usage = `usage: mobula list ${names} [--address HOST:PORT] [--json]

Lists the nodes of a cluster, or its jobs: the living, and the newest of the others.

${askUsage}`;

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options: askFlags, allowPositionals: true });
  const [name = '', ...more] = positionals;
  const subject = Object.hasOwn(subjects, name) ? subjects[name] : undefined;
  if (subject === undefined || more.length > 0) {
    throw new UsageError(
      name === '' ? `say what: ${names}` : `there is no list of '${positionals.join(' ')}': ${names}`,
    );
  }
  const view = await askCluster(values.address);
  if (values.json) console.log(JSON.stringify(subject.rows(view), null, 2));
  else console.log(table(subject.headings, subject.cells(view)));
  return 0;
}

/** `mobula list`: what a cluster has, one by one. */
export const list: Command = { summary: 'lists the nodes or the jobs of a cluster', usage, run };
