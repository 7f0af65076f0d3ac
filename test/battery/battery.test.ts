import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import test from 'node:test';
import { type Loader, loaders } from './loaders.ts';
import { type Finding, runLoader } from './run-loader.ts';

const filter = process.env['MOBULA_BATTERY_FILTER'] ?? '';
const wanted = process.env['MOBULA_BATTERY_LOADER'] ?? '';

if (wanted !== '' && !loaders.some(({ name }) => name === wanted)) {
  throw new Error(`There is no loader '${wanted}'; there are ${loaders.map(({ name }) => name).join(', ')}.`);
}

for (const loader of loaders.filter(({ name }) => wanted === '' || name === wanted)) {
  test(`functions, classes, values and errors are here and in a worker the same: ${loader.name}`, async (t) => {
    if (loader.missing !== undefined) {
      t.diagnostic(`${loader.name}: not run: ${loader.missing}`);
      t.skip(loader.missing);
      return;
    }
    const found = await runLoader(loader, filter);
    for (const line of counts(loader, found)) t.diagnostic(line);
    const failures = found.filter(({ kind }) => kind !== 'same' && kind !== 'refused');
    keep(loader, failures);
    const list = failures.map(({ area, name, mark, kind, detail }) => `${area}: ${name} (${mark}): ${kind}: ${detail}`);
    assert.equal(list.length, 0, `${list.length} programs failed under ${loader.name}:\n${list.join('\n')}`);
    assert.ok(found.length > 0 || filter !== '', 'no program ran');
  });
}

/** A line for each kind of outcome, and one with their sum. */
function counts(loader: Loader, found: readonly Finding[]): string[] {
  const of = (mark: string, kind: string): number =>
    found.filter((one) => one.mark === mark && one.kind === kind).length;
  const total = (mark: string): number => found.filter((one) => one.mark === mark).length;
  return [
    `${loader.name}: must work: ${of('must', 'same')} of ${total('must')} the same`,
    `${loader.name}: may be refused: ${of('may', 'same')} the same, ${of('may', 'refused')} refused, of ${total('may')}`,
  ];
}

/** Appends the failures to the file that `MOBULA_BATTERY_FAILURES` names. */
function keep(loader: Loader, failures: readonly Finding[]): void {
  const file = process.env['MOBULA_BATTERY_FAILURES'];
  if (file === undefined) return;
  for (const failure of failures) appendFileSync(file, `${JSON.stringify({ loader: loader.name, ...failure })}\n`);
}
