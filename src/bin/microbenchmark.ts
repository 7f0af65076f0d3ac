import { parseArgs } from 'node:util';
import type { Command } from './command.ts';
import { compile } from './microbenchmark/select.ts';

const usage = `usage: mobula microbenchmark [--filter PATTERN] [--json] [--quick]

Measures how fast mobula is on this machine, on all processors that this process may use: the cases of Ray's own
microbenchmark under their names there, measured as Ray measures them (10 s of rest, 1 s of warming up, 4 trials of 2 s,
mean +- standard deviation), and a few of its own, measured by the benchmark package. Round trips are also timed one by
one. All cases take about eight minutes.

  --filter PATTERN  only cases in whose names this regular expression is found, or the case of exactly this name
  --json            prints one JSON document with the rate of every trial, and nothing else on standard output
  --quick           measures everything so briefly that the figures say little
  --help            prints this

Exit codes: 0, 1 if a case failed, 2 if the command line makes no sense.`;

async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      filter: { type: 'string' },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  });
  if (values.filter !== undefined) compile(values.filter);
  // mobula itself is loaded only now: the list of commands has to be there where its native part does not load.
  const { runCases } = await import('./microbenchmark/run.ts');
  return runCases(values);
}

/** `mobula microbenchmark`: how fast this machine is. */
export const microbenchmark: Command = {
  summary: 'measures rates and round trips on this machine',
  usage,
  run,
};
