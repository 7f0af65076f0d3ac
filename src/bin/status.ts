import { parseArgs } from 'node:util';
import { sum } from '../common/amounts.ts';
import { amountText } from './cluster/amounts.ts';
import { type Asked, askCluster, askFlags, askUsage } from './cluster/ask.ts';
import type { Command } from './command.ts';

const usage = `usage: mobula status [--address HOST:PORT] [--json]

Shows how many nodes and jobs a cluster has, and what its nodes have in all.

${askUsage}`;

/** What `mobula status --json` prints. */
export interface Status {
  readonly address: string;
  /** `drivers` are alive, too. */
  readonly nodes: { readonly alive: number; readonly dead: number; readonly drivers: number };
  readonly jobs: { readonly running: number; readonly ended: number };
  /** Of all that are alive and have CPUs, by name. */
  readonly resources: Readonly<Record<string, number>>;
}

export function statusOf({ address, nodes, jobs }: Asked): Status {
  const alive = nodes.filter((node) => node.alive);
  const drivers = alive.filter(({ driver }) => driver).length;
  const running = jobs.filter(({ ended }) => !ended).length;
  return {
    address,
    nodes: { alive: alive.length - drivers, dead: nodes.length - alive.length, drivers },
    jobs: { running, ended: jobs.length - running },
    resources: sum(alive),
  };
}

function render({ address, nodes, jobs, resources }: Status): string {
  const rows: readonly (readonly [string, string])[] = [
    ['nodes', `${nodes.alive} alive, ${nodes.dead} dead`],
    ['drivers', String(nodes.drivers)],
    ['jobs', `${jobs.running} running, ${jobs.ended} ended`],
    ...Object.entries(resources).map(([name, amount]) => [name, amountText(name, amount)] as const),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [`The cluster at ${address}`, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)].join('\n');
}

async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: askFlags });
  const status = statusOf(await askCluster(values.address));
  console.log(values.json ? JSON.stringify(status, null, 2) : render(status));
  return 0;
}

/** `mobula status`: a cluster in a few numbers. */
export const status: Command = { summary: 'shows how many nodes and jobs a cluster has', usage, run };
