// Stands in for a node, as far as the contract of docs/supervisor.md shows it.
import { appendFileSync } from 'node:fs';
import { serveSupervisor } from '../../../src/boot/supervisor/child.ts';
import type { NodeConfig } from '../../../src/boot/supervisor/contract.ts';
import { MobulaError } from '../../../src/common/errors.ts';

const note = (what: object): void => {
  const line = JSON.stringify({ pid: process.pid, start: 0, ...what });
  appendFileSync(process.env['SUPERVISOR_DIARY'] ?? '', `${line}\n`);
};

serveSupervisor(async (config: NodeConfig) => {
  note({ argv: process.argv, config });
  if (config.token === 'wrong') throw new MobulaError('ERR_MOBULA_UNAUTHORIZED', 'The token is another one');
  if (config.numCpus === 13) process.kill(process.pid, 'SIGKILL');
  // Alive until it is told otherwise.
  setInterval(() => {}, 1000);
  return { ready: { nodeId: `${process.pid}-${config.start}` }, drain: async (ms) => note({ drain: ms }) };
});
