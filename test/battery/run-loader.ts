import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './inside/battery.ts';
import { applicationFor, type Loader } from './loaders.ts';

/** An outcome, or that of a program that ended its process. */
export type Finding = Omit<Outcome, 'kind'> & { readonly kind: Outcome['kind'] | 'process-ended' };

/** A loader's process that ends is started again after the program that ended it, this often. */
const RESTARTS = 20;

/** Runs all programs of a loader. */
export async function runLoader(loader: Loader, filter: string): Promise<Finding[]> {
  const { application, command } = await applicationFor(loader);
  using _ = application;
  const file = join(application.root, 'report.jsonl');
  const env = {
    MOBULA_BATTERY_REPORT: file,
    MOBULA_BATTERY_FILTER: filter,
    MOBULA_BATTERY_INLINED: loader.inlined ?? 'nothing',
    MOBULA_BATTERY_MINIFIED: loader.minified === true ? '1' : '0',
  };
  const ends = new Map<string, string>();
  for (let starts = 0; starts <= RESTARTS; starts++) {
    const { code, signal, output, errors } = await application.node(command, env);
    const open = unfinished(read(file)).filter((key) => !ends.has(key));
    const said = `${output}${errors}`.trim().slice(-1500);
    if (code === 0 && open.length === 0 && existsSync(`${file}.complete`)) return findings(read(file), ends);
    if (open.length === 0 && !read(file).some(({ kind }) => kind === 'hangs') && starts === 0) {
      throw new Error(`${loader.name} ended with ${code ?? signal}:\n${said}`);
    }
    for (const key of open) ends.set(key, `the process ended with ${code ?? signal}: ${said}`);
  }
  throw new Error(`${loader.name}: its process ended more than ${RESTARTS} times`);
}

function read(file: string): Outcome[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Outcome);
}

const keyOf = ({ area, name }: Outcome): string => `${area}: ${name}`;

function unfinished(outcomes: readonly Outcome[]): string[] {
  const done = new Set(outcomes.filter(({ kind }) => kind !== 'begun').map(keyOf));
  return outcomes.map(keyOf).filter((key) => !done.has(key));
}

function findings(outcomes: readonly Outcome[], ends: ReadonlyMap<string, string>): Finding[] {
  const last = new Map<string, Finding>();
  for (const outcome of outcomes) {
    const detail = ends.get(keyOf(outcome));
    const ended = outcome.kind === 'begun' && detail !== undefined;
    last.set(keyOf(outcome), ended ? { ...outcome, kind: 'process-ended', detail } : outcome);
  }
  return [...last.values()];
}
