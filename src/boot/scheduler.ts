/** The program of the scheduler's process: one connection to the head, with which it begins and ends. */
import { ControlStoreUnavailableError } from '../common/errors.ts';
import { version } from '../common/version.ts';
import { connect } from '../transport/websocket/dial.ts';
import { SchedulerRunner } from '../wire/scheduler-runner.ts';
import { meetParent } from './parent.ts';

export interface SchedulerConfig {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  readonly nodeId: string;
}

const { config, up, fail } = await meetParent<SchedulerConfig>();
try {
  const { host, port, token, nodeId } = config;
  const runner = new SchedulerRunner(nodeId, (why) =>
    fail(new ControlStoreUnavailableError(`The scheduler has lost the head: ${why}`)),
  );
  await connect(host, port, { nodeId, version, token }, runner.accept);
  up({});
} catch (error) {
  fail(error);
}
