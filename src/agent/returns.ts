import type { BegunSlots } from './begun.ts';
import type { Commands } from './commands.ts';
import type { Run } from './run.ts';
import type { UnbegunRuns } from './unbegun.ts';
import { entry, writeAttempt } from './wire/entries.ts';

/** What the return of tasks needs of the agent. */
export interface ReturnsPorts {
  readonly slots: Pick<BegunSlots, 'hasBegun'>;
  readonly commands: Pick<Commands, 'takeBack'>;
}

/** Tasks of other nodes that go back, as they have not begun: another node may run them sooner. */
export class Returns {
  readonly #ports: ReturnsPorts;
  readonly #unbegun: UnbegunRuns;

  constructor(ports: ReturnsPorts, unbegun: UnbegunRuns) {
    this.#ports = ports;
    this.#unbegun = unbegun;
  }

  /** A task goes back, if it has not begun. Its answer says so. */
  takeBack(run: Run): void {
    if (run.answered || !run.mayMove) return;
    if (!run.isGiven) {
      this.#unbegun.giveBack(run);
      return;
    }
    run.isRecalled = true;
    this.#ports.commands.takeBack(run.objects[0] as number);
  }

  /** The same for all. Called again and again: a thread may have a task now that it has not begun, and leave it later. */
  takeBackAll(runs: Iterable<Run>): void {
    for (const run of runs) this.takeBack(run);
  }

  /** Called now and then. The submitter hears of each task that has waited for a CPU during 1, 2, 4 … such calls. */
  tellWaits(runs: Iterable<Run>): void {
    for (const run of runs) {
      if (!run.isGiven || !run.mayMove || run.answered || run.waits || this.#ports.slots.hasBegun(run.slot)) continue;
      const looks = run.looks++;
      if (looks > 0 && (looks & (looks - 1)) === 0) writeAttempt(run.peer.out, entry.waits, run);
    }
  }
}
