// Stands in for a head and for a node, as far as the contract of docs/supervisor.md shows them.
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { serveSupervisor } from '../../../src/boot/supervisor/child.ts';
import type { HeadConfig, NodeConfig } from '../../../src/boot/supervisor/contract.ts';
import { MobulaError } from '../../../src/common/errors.ts';

const diary = process.env['SUPERVISOR_DIARY'] ?? '';
const note = (what: object): void => {
  if (diary !== '') appendFileSync(diary, `${JSON.stringify({ pid: process.pid, start: 0, ...what })}\n`);
};

serveSupervisor(async (config: HeadConfig | NodeConfig) => {
  note({ argv: process.argv, config });
  return 'dataDir' in config ? head(config) : node(config);
});

function head({ bind, port, dataDir, advertise }: HeadConfig) {
  const server = createServer();
  // As a log would be.
  mkdirSync(join(dataDir, 'log'), { recursive: true });
  writeFileSync(join(dataDir, 'log', 'records'), 'x');
  return new Promise<{ ready: object; drain(): Promise<void>; exited(exit: object): void }>((resolve, reject) => {
    server.on('error', () => reject(new MobulaError('ERR_MOBULA_CONNECTION', `Cannot listen at ${bind}:${port}`)));
    server.listen(port, bind, () => {
      const bound = (server.address() as { readonly port: number }).port;
      resolve({
        ready: { address: `${advertise ?? bind}:${bound}`, port: bound },
        drain: async () => note({ drain: 0, role: 'head' }),
        exited: (exited) => note({ exited }),
      });
    });
  });
}

async function node({ token, numCpus, start }: NodeConfig) {
  if (token === 'wrong') throw new MobulaError('ERR_MOBULA_UNAUTHORIZED', 'The token is another one');
  if (numCpus === 13) process.kill(process.pid, 'SIGKILL');
  // Alive until it is told otherwise.
  setInterval(() => {}, 1000);
  return { ready: { nodeId: `${process.pid}-${start}` }, drain: async () => note({ drain: 0, role: 'node' }) };
}
