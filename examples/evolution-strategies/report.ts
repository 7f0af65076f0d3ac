import type { Progress } from './learner.ts';
import { EPISODES_PER_ITERATION } from './train.ts';

/** Prints training as it runs: one line rewritten on a terminal, a line per evaluation elsewhere. */
export class ProgressLine {
  readonly #started = performance.now();
  readonly #output: NodeJS.WriteStream;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  /** Shows one iteration; iterations with an evaluation stay on the screen. */
  show({ iteration, mean, best }: Progress, evaluation: number | undefined): void {
    const seconds = (performance.now() - this.#started) / 1000;
    const rate = Math.round((iteration * EPISODES_PER_ITERATION) / seconds);
    const line =
      `iteration ${String(iteration).padStart(3)}   mean return ${mean.toFixed(1).padStart(5)}   ` +
      `best ${best.toFixed(0).padStart(3)}   ${String(rate).padStart(6)} episodes/s   ${seconds.toFixed(1)} s`;
    const kept = evaluation === undefined ? '' : `   100 fresh episodes: ${evaluation.toFixed(1)}`;
    if (this.#output.isTTY) {
      this.#output.write(`\r${line}${kept}\u001b[K${kept === '' ? '' : '\n'}`);
    } else if (kept !== '') {
      this.#output.write(`${line}${kept}\n`);
    }
  }
}
