import { version } from '../../common/version.ts';
import { ownMark } from '../home/process-mark.ts';
import { type RunFile, removeRunFile, writeRunFile } from '../home/run-files.ts';
import type { Failure } from './contract.ts';
import { type Entries, Group, type Plan, type Up } from './group.ts';

/** How a plan is carried out. */
export interface Served {
  readonly plan: Plan;
  /** The folder of the user's run files. */
  readonly runFolder: string;
  readonly detached: boolean;
  readonly log?: string;
}

/** What ends a supervisor, after its children have drained. The second one ends them at once. */
const signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];
const STDERR = 2;

/** Carries out a plan in this process, until a signal comes or it cannot go on. */
export class PlanServer {
  readonly #served: Served;
  readonly #group: Group;
  /** All is up, and other programs find it. */
  readonly up: Promise<Up>;
  readonly over: Promise<Failure | undefined>;

  constructor(served: Served, entries: Entries) {
    this.#served = served;
    this.#group = new Group(served.plan, entries, { replace: true, output: STDERR });
    this.over = this.#run();
    this.up = this.#group.up.then((up) => {
      this.#show(up);
      return up;
    });
    this.up.catch(() => {});
  }

  #file: string | undefined;

  async #run(): Promise<Failure | undefined> {
    const stop = (): void => void this.stop();
    for (const signal of signals) process.on(signal, stop);
    try {
      return await this.#group.over;
    } finally {
      for (const signal of signals) process.removeListener(signal, stop);
      if (this.#file !== undefined) removeRunFile(this.#file, ownMark());
    }
  }

  /** Drains, and ends all; the second time, ends all at once. */
  stop(): Promise<Failure | undefined> {
    return this.#group.stop();
  }

  /** Writes the file by which other programs find this supervisor. */
  #show(up: Up): void {
    const { plan, runFolder, detached, log } = this.#served;
    // Nobody looks for a node in a terminal.
    if (up.head === undefined && !detached) return;
    const content: RunFile = {
      role: up.head === undefined ? 'node' : 'head',
      address: up.address,
      process: ownMark(),
      detached,
      version,
      ...(up.node && { nodeId: up.node.nodeId }),
      ...(plan.head && { dataDir: plan.head.dataDir }),
      ...(log !== undefined && { log }),
    };
    try {
      this.#file = writeRunFile(runFolder, up.head === undefined ? `node-${process.pid}` : `${up.head.port}`, content);
    } catch (error) {
      const lost = detached ? "'auto' and mobula stop do not find it" : "'auto' does not find it";
      console.error(`mobula: ${runFolder} cannot be written to, so ${lost}: ${(error as Error).message}`);
    }
  }
}
