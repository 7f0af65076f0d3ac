import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { CaptureError, init, SerializationError, shutdown } from 'mobula';
import { callsHere, callsThere } from './calls.ts';
import { difference, show } from './difference.ts';
import type { Program } from './program.ts';

/** What became of a program: `same`, or `refused` where that is allowed, or a failure. */
export interface Outcome {
  readonly area: string;
  readonly name: string;
  readonly mark: string;
  readonly kind: 'begun' | 'same' | 'refused' | 'wrongly-refused' | 'different' | 'hangs';
  readonly detail?: string;
}

/** Longer than any program takes: one that is not done then hangs. */
const LIMIT_MS = 30_000;

const reportFile = process.env['MOBULA_BATTERY_REPORT'] ?? '/dev/stdout';
const filter = process.env['MOBULA_BATTERY_FILTER'] ?? '';
const minified = process.env['MOBULA_BATTERY_MINIFIED'] === '1';

/** Runs the programs of all areas that the report does not have yet, and appends what became of each. */
export async function battery(areas: Readonly<Record<string, readonly Program[]>>): Promise<void> {
  const known = existsSync(reportFile) ? readFileSync(reportFile, 'utf8') : '';
  await init({ numCpus: 2, objectStoreMemory: '256MiB' });
  for (const [area, programs] of Object.entries(areas)) {
    for (const program of programs) {
      const which = { area, name: program.name, mark: program.mark };
      if (!`${area}: ${program.name}`.includes(filter) || known.includes(JSON.stringify(which).slice(0, -1))) continue;
      report({ ...which, kind: 'begun' });
      const watchdog = setTimeout(() => {
        report({ ...which, kind: 'hangs' });
        process.exit(3);
      }, LIMIT_MS);
      report({ ...which, ...(await outcomeOf(program)) });
      clearTimeout(watchdog);
    }
  }
  await shutdown({ timeoutMs: 2000 });
  // A process that ends early must not look like one that ran everything.
  appendFileSync(`${reportFile}.complete`, '');
}

function report(outcome: Outcome): void {
  appendFileSync(reportFile, `${JSON.stringify(outcome)}\n`);
}

/** How a run ended. */
type Ending = { readonly value: unknown } | { readonly thrown: unknown };

async function ending(run: () => unknown): Promise<Ending> {
  try {
    return { value: await run() };
  } catch (thrown) {
    return { thrown };
  }
}

async function outcomeOf(program: Program): Promise<Pick<Outcome, 'kind' | 'detail'>> {
  const here = await ending(() => program.run(callsHere()));
  const problems: string[] = [];
  const { call, end } = callsThere((problem) => problems.push(problem));
  const there = await ending(() => program.run(call));
  end();
  if ('thrown' in there && isRefusal(there.thrown) && !('thrown' in here && isRefusal(here.thrown))) {
    return refused(program, there.thrown);
  }
  if ('thrown' in here !== 'thrown' in there) {
    return { kind: 'different', detail: `${describe(here)} here, ${describe(there)} in a worker` };
  }
  const found =
    'thrown' in here && 'thrown' in there
      ? difference(here.thrown, there.thrown)
      : difference(Reflect.get(here, 'value'), Reflect.get(there, 'value'));
  const detail = found ?? problems[0];
  return detail === undefined ? { kind: 'same' } : { kind: 'different', detail };
}

type Refusal = CaptureError | SerializationError;

function isRefusal(error: unknown): error is Refusal {
  return error instanceof CaptureError || error instanceof SerializationError;
}

function refused(program: Program, error: Refusal): Pick<Outcome, 'kind' | 'detail'> {
  const detail = `${error.name}: ${error.message}`;
  if (program.mark === 'must') return { kind: 'wrongly-refused', detail };
  // A function that is itself to blame is named as such.
  const named = error instanceof CaptureError ? (error.variable ?? 'The function ') : error.path;
  if (named === '' || !error.message.includes(named)) {
    return { kind: 'wrongly-refused', detail: `the refusal names nothing: ${detail}` };
  }
  if (program.names !== undefined && !minified && !error.message.includes(program.names)) {
    return { kind: 'wrongly-refused', detail: `the refusal does not name ${program.names}: ${detail}` };
  }
  return { kind: 'refused', detail };
}

function describe(end: Ending): string {
  return 'thrown' in end ? `${show(end.thrown)} thrown` : show(end.value);
}
