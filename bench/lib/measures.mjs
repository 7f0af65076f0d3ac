import { median } from './stats.mjs';

/** What the children of one case reported: for every config, one sample per run of each metric. */
export class Measures {
  #runs = new Map();
  #problems = new Map();

  constructor(configs) {
    for (const { label } of configs) {
      this.#runs.set(label, []);
      this.#problems.set(label, []);
    }
  }

  add(label, result) {
    this.#runs.get(label).push(result);
  }

  addProblem(label, problem) {
    this.#problems.get(label).push(problem);
  }

  /** Every run's value of a metric. */
  samples(label, metric) {
    return (this.#runs.get(label) ?? []).map((run) => run[metric]).filter((value) => value !== undefined);
  }

  /** The median of a metric; NaN if no run reported it. */
  median(label, metric) {
    return median(this.samples(label, metric));
  }

  /** The median over runs of a figure that each run allows to be computed by itself: `ratio(run)`. */
  medianOf(label, ratio) {
    return median((this.#runs.get(label) ?? []).map(ratio));
  }

  /** Of several configs the one whose median is the highest (or the lowest): `{ label, value }`. */
  best(labels, metric, lowest = false) {
    const candidates = labels
      .map((label) => ({ label, value: this.median(label, metric) }))
      .filter(({ value }) => !Number.isNaN(value))
      .sort((a, b) => (lowest ? a.value - b.value : b.value - a.value));
    return candidates[0] ?? { label: 'none', value: Number.NaN };
  }

  problems(label) {
    return this.#problems.get(label);
  }

  toJSON() {
    return Object.fromEntries(
      [...this.#runs].map(([label, runs]) => [label, { runs, problems: this.#problems.get(label) }]),
    );
  }
}
