import type { Plan, Up } from '../../boot/supervisor/group.ts';
import { version } from '../../common/version.ts';

/** What `mobula start` tells when it is up; with --json it is one line of this. */
export interface Started {
  readonly role: 'head' | 'node';
  /** Of the head: host and port. */
  readonly address: string;
  readonly version: string;
  /** The supervisor's process. */
  readonly pid: number;
  readonly nodeId?: string;
  readonly dataDir?: string;
  /** Where a detached one writes. */
  readonly log?: string;
}

export function startedOf(plan: Plan, up: Up, pid: number, log?: string): Started {
  return {
    role: plan.head === undefined ? 'node' : 'head',
    address: up.address,
    version,
    pid,
    ...(up.nodeId !== undefined && { nodeId: up.nodeId }),
    ...(typeof plan.head?.dataDir === 'string' && { dataDir: plan.head.dataDir }),
    ...(log !== undefined && { log }),
  };
}

/** The same for people. `token`: where the token is. */
export function render(started: Started, token: string): string {
  const { role, address, nodeId, dataDir, log } = started;
  const end = log === undefined ? 'Ctrl-C' : 'mobula stop';
  const rows: readonly (readonly [string, string | undefined])[] =
    role === 'head'
      ? [
          ['programs', `await init({ address: '${address}' })`],
          ['more nodes', `mobula start --address ${address}`],
          ['token', token],
          ['node', nodeId ?? 'none beside it'],
          ['data', dataDir],
        ]
      : [['node', nodeId]];
  const lines = [...rows, ['log', log] as const, ['ends with', end] as const];
  const first = role === 'head' ? `The head of a cluster is up at ${address}.` : `A node has joined ${address}.`;
  return [first, ...lines.flatMap(([name, text]) => (text === undefined ? [] : [`  ${name.padEnd(12)}${text}`]))].join(
    '\n',
  );
}
