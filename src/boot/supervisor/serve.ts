import { version } from '../../common/version.ts';
import { ownMark } from '../home/process-mark.ts';
import { type RunFile, removeRunFile, writeRunFile } from '../home/run-files.ts';
import type { Failure, NodeExit } from './contract.ts';
import { Group, type Plan, type Starters, type Up } from './group.ts';
import { how } from './life.ts';

/** How a plan is carried out. */
export interface Serving {
  readonly plan: Plan;
  /** The folder of the user's run files. */
  readonly runFolder: string;
  /** Where a detached supervisor writes. Absent: it is in the foreground. */
  readonly log?: string;
}

/** What ends a supervisor. */
const signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** Carries out a plan in this process, until a signal comes or it cannot go on. The first signal drains, the second does not. */
export class PlanServer {
  readonly #serving: Serving;
  readonly #group: Group;
  #file: string | undefined;
  /** All is up, and other programs find it. */
  readonly up: Promise<Up>;
  /** With what went wrong, or, after a signal or `stop`, with nothing. */
  readonly over: Promise<Failure | undefined>;

  constructor(serving: Serving, starters: Starters) {
    this.#serving = serving;
    this.#group = new Group(serving.plan, starters, printDeath);
    this.over = this.#serve();
    this.up = this.#group.up.then((up) => {
      this.#show(up);
      return up;
    });
    this.up.catch(() => {});
  }

  /** Drains and ends all; the second call does not drain. */
  stop(): Promise<Failure | undefined> {
    return this.#group.stop();
  }

  async #serve(): Promise<Failure | undefined> {
    const stop = (): void => void this.stop();
    for (const signal of signals) process.on(signal, stop);
    const failure = await this.#group.over;
    for (const signal of signals) process.removeListener(signal, stop);
    if (this.#file !== undefined) removeRunFile(this.#file, ownMark());
    return failure;
  }

  /** Writes the file by which other programs find this supervisor. */
  #show({ address, port, nodeId }: Up): void {
    const { plan, runFolder, log } = this.#serving;
    // Nobody looks for a node in a terminal.
    if (port === undefined && log === undefined) return;
    const dataDir = plan.head?.dataDir ?? undefined;
    const content: RunFile = {
      role: port === undefined ? 'node' : 'head',
      address,
      process: ownMark(),
      version,
      ...(nodeId !== undefined && { nodeId }),
      ...(dataDir !== undefined && { dataDir }),
      ...(log !== undefined && { log }),
    };
    try {
      this.#file = writeRunFile(runFolder, port === undefined ? `node-${process.pid}` : `${port}`, content);
    } catch (error) {
      const lost = log === undefined ? "'auto' does not find it" : "'auto' and mobula stop do not find it";
      console.error(`mobula: ${runFolder} cannot be written to, so ${lost}: ${(error as Error).message}`);
    }
  }
}

function printDeath(exit: NodeExit): void {
  console.error(`mobula: node ${exit.nodeId} died (${how(exit)}) and is started again`);
}
