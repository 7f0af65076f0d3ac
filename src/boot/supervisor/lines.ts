import type { Readable } from 'node:stream';

/** Longer lines come from nobody who keeps to the contract. */
const LONGEST = 1 << 20;

/**
 * Reads lines of JSON. What is not one, or is too long, goes to `broken`, and nothing is read after that. A last line without its end
 * was cut off and is left out.
 */
export function readLines(stream: Readable, line: (value: unknown) => void, broken: (problem: string) => void): void {
  let rest = '';
  const stop = (problem: string): void => {
    stream.removeListener('data', data);
    stream.resume();
    broken(problem);
  };
  const data = (chunk: string): void => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        stop(`a line that is not JSON: ${text.slice(0, 100)}`);
        return;
      }
      line(value);
    }
    if (rest.length > LONGEST) stop(`a line of more than ${LONGEST} characters`);
  };
  stream.setEncoding('utf8');
  stream.on('data', data);
}
