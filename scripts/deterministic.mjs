// What may not read the real world: the simulator, and every file of src/ that has a `Step`. A seed would not repeat.

/** Clocks, timers, chance, and what runs later or elsewhere. */
const real =
  /(?<![\w.#'])(?:Date\b|Math\.random|performance\b|setTimeout|setInterval|setImmediate|queueMicrotask|process\.(?:hrtime|nextTick|uptime)|crypto\b|fetch\b|async\b|await\b|Promise\b)|from '(?:node:(?:timers|perf_hooks|crypto|worker_threads|child_process|net|http|fs|dns)\b|[./\w]*\/timers\.ts')/;

/** The driver prints how fast it is; the guard closes what this forbids; tests use both. */
const mayRead = /^test\/sim\/(?:main|guard|(?:.*\.test))\.ts$/;

/** Uses of the real world where only a step's `env` may be read, as lines to print. */
export function realWorld(files, text) {
  const problems = [];
  for (const file of files.filter((name) => /^(?:src|test\/sim)\/.*\.ts$/.test(name) && !mayRead.test(name))) {
    const source = text(file);
    if (!file.startsWith('test/sim/') && !/\bconst \w+: Step</.test(source)) continue;
    source.split('\n').forEach((line, i) => {
      const found = /^\s*(?:\/?\*|\/\/)/.test(line) ? null : real.exec(line);
      if (found !== null) problems.push(`${file}:${i + 1}: ${found[0]}: a step reads nothing but its env`);
    });
  }
  return problems;
}
