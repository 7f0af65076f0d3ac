import { storeSpill, type WorkerStarted, workerExit, workerStart } from '../common/channels.ts';
import { idPart } from '../common/ids.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { threadState, type WorkerAssignment } from '../workers/assignment.ts';

/** Tells those who listen what happens to a node's threads and its object store. */
export class NodeChannels {
  readonly #runtime: ThreadRuntime;
  #spills = 0;
  #restores = 0;

  constructor(runtime: ThreadRuntime) {
    this.#runtime = runtime;
  }

  started(assignment: WorkerAssignment): void {
    if (workerStart.hasSubscribers) workerStart.publish(this.#identity(assignment));
  }

  exited(assignment: WorkerAssignment, details: string, expected: boolean): void {
    if (workerExit.hasSubscribers) workerExit.publish({ ...this.#identity(assignment), expected, details });
  }

  /** Looks whether objects were spilled: whenever the driver hears of something. */
  look(): void {
    if (!storeSpill.hasSubscribers || this.#runtime.closed) return;
    const stats = this.#runtime.addon.storeStats(this.#runtime.port.id);
    const spills = stats.spills - this.#spills;
    const restores = stats.restores - this.#restores;
    if (spills === 0 && restores === 0) return;
    this.#spills = stats.spills;
    this.#restores = stats.restores;
    const { used, spilled, capacity } = stats;
    storeSpill.publish({ spills, restores, used, spilled, capacity });
  }

  #identity({ kind, state }: WorkerAssignment): WorkerStarted {
    const name = idPart(Atomics.load(state, threadState.port) - 1);
    return { workerId: `${this.#runtime.facts.nodeId}${name}`, runs: kind === 1 ? 'tasks' : 'actors' };
  }
}
