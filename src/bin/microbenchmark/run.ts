import { init, shutdown } from '../../index.ts';
import { cases } from './cases/index.ts';
import { measure, quick, thorough } from './measure.ts';
import { makeReport, type Result, toText } from './report.ts';
import { select } from './select.ts';

/** What the command line asks for. */
export interface Wanted {
  readonly filter?: string | undefined;
  readonly json: boolean;
  readonly quick: boolean;
}

/** Measures the chosen cases one after another, as they are printed, and gives the exit code. */
export async function runCases(wanted: Wanted): Promise<number> {
  const selected = select(cases, wanted.filter);
  // With --json, whoever waits still sees how far it is.
  const print = wanted.json ? console.error : console.log;
  const results: Result[] = [];
  await init();
  try {
    for (const each of selected) {
      const result = await measure(each, wanted.quick ? quick : thorough);
      results.push(result);
      print(toText(result));
    }
  } finally {
    await shutdown();
  }
  if (wanted.json) console.log(JSON.stringify(makeReport(results, wanted.quick), undefined, 2));
  return results.some(({ rate }) => rate === undefined) ? 1 : 0;
}
