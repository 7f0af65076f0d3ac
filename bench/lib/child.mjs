import { writeSync } from 'node:fs';

/** What the parent wants measured. */
export const parameters = JSON.parse(process.argv[2] ?? '{}');

/** Hands the result to the parent: one line of JSON. */
export function report(result) {
  writeSync(1, `${JSON.stringify(result)}\n`);
}

/** Stops with a message unless the measured system did what it was asked for. */
export function check(condition, message) {
  if (!condition) throw new Error(`wrong result: ${message}`);
}
