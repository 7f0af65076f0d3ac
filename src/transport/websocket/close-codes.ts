import { type CloseCode, closeCodes } from '../ports.ts';

/** A closing frame holds so many bytes of text. */
export const LONGEST_REASON = 120;

const byNumber = new Map<number, CloseCode>([
  [1000, 'done'],
  [1001, 'done'],
  [1002, 'protocol'],
  [1003, 'text'],
  [1005, 'done'],
  [1007, 'protocol'],
  [1008, 'protocol'],
  [1009, 'too-long'],
  ...Object.entries(closeCodes).map(([name, number]) => [number, name as CloseCode] as const),
]);

/** What the number of a closing frame means. A connection without one, and numbers that nobody knows, are `lost`. */
export function codeOf(number: number): CloseCode {
  return byNumber.get(number) ?? 'lost';
}
