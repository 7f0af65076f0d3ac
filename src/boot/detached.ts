// The supervisor behind `mobula start --detach`. The command waits at descriptor 3 until it is up, and then ends.
import { Socket } from 'node:net';
import { starters } from './starters.ts';
import { failureOf } from './supervisor/child.ts';
import { CHANNEL_FD, type Report } from './supervisor/contract.ts';
import type { Up } from './supervisor/group.ts';
import { readLines } from './supervisor/lines.ts';
import { PlanServer, type Serving } from './supervisor/serve.ts';

const command = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
const report = (told: Report<Up>): void => void command.end(`${JSON.stringify(told)}\n`);

function serve(serving: Serving): void {
  const server = new PlanServer(serving, starters);
  // The command was interrupted: nobody knows of what would come up.
  const interrupted = (): void => void server.stop();
  command.on('end', interrupted);
  server.up.then(
    (up) => {
      command.removeListener('end', interrupted);
      report({ ready: up });
    },
    (error: unknown) => void server.over.then(() => report({ failed: failureOf(error) })),
  );
  void server.over.then((failure) => {
    if (failure !== undefined) console.error(`mobula: ${failure.message}`);
    process.exitCode = failure === undefined ? 0 : 1;
  });
}

command.on('error', () => {});
readLines(
  command,
  (serving) => serve(serving as Serving),
  () => process.exit(1),
);
