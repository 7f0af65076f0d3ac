import { findSourceMap } from 'node:module';
import { relative } from 'node:path';
import { CaptureError } from '../../common/errors.ts';
import type { Located } from './locate.ts';
import { toPath } from './modules.ts';
import type { Script } from './script.ts';

/** What to do about most captures that cannot travel. */
export const usualAdvice = 'Pass it as an argument, or move it into a module of its own and import it there.';

/** `file:line` of an offset, in the user's own source where Node knows the script's source map. */
export function placeOf(script: Script, offset: number): () => string {
  return () => {
    const { line, column } = script.position(offset);
    return describeLine(script.url, line, column);
  };
}

/** The same for a line and column, both counted from 0. */
export function describeLine(url: string, line: number, column: number): string {
  const origin: object | undefined = findSourceMap(url)?.findEntry(line, column);
  if (origin !== undefined && 'originalSource' in origin && 'originalLine' in origin) {
    return `${shortFile(String(origin.originalSource))}:${Number(origin.originalLine) + 1}`;
  }
  return `${shortFile(url)}:${line + 1}`;
}

function shortFile(file: string): string {
  const path = toPath(file);
  if (path === undefined) return file === '' ? 'evaluated code' : file;
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

/** One step on the way from the function being sent to what it cannot take along. */
export interface Step {
  /** What it is called there. */
  readonly name: string;
  /** Tells where it is declared, as `file:line`. Only errors ask. */
  readonly place: (() => string) | undefined;
  /** The function, where it is one that has been found. */
  readonly located?: Located;
}

/** The error for the last of `trail`; the first is the function being sent. */
export function captureError(trail: readonly Step[], problem: string, advice: string, cause?: unknown): CaptureError {
  const [root, ...rest] = trail.map(describeStep);
  const last = trail.at(-1);
  const way = rest.length === 0 ? 'it' : `it uses ${rest.join(', which uses ')}, which`;
  return new CaptureError(`The function ${root} cannot run in a worker: ${way} ${problem}. ${advice}`, {
    ...(rest.length > 0 && last !== undefined && { variable: last.name }),
    cause,
  });
}

function describeStep({ name, place }: Step): string {
  return place === undefined ? `'${name}'` : `'${name}' (${place()})`;
}
