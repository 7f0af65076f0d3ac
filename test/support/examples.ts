import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A piece of code in a document. */
export interface Example {
  /** Where it stands: file, and line of its first line of code. */
  readonly file: string;
  readonly line: number;
  readonly language: 'js' | 'ts';
  readonly code: string;
}

/** The fenced JavaScript and TypeScript of a Markdown file, in order. */
export function examplesOf(file: string): Example[] {
  const text = readFileSync(root + file, 'utf8');
  return [...text.matchAll(/^```(js|ts|typescript|javascript)\n([\s\S]*?)^```$/gm)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length + 1,
    language: match[1]?.startsWith('j') ? 'js' : 'ts',
    code: match[2] ?? '',
  }));
}

/** What follows `@example` in the comments of a source file. */
export function docstringExamplesOf(file: string): Example[] {
  const text = readFileSync(root + file, 'utf8');
  return [...text.matchAll(/^ *\* @example\n((?: *\*(?!\/)(?! @).*\n)+)/gm)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length + 1,
    language: 'ts',
    code: (match[1] ?? '').replaceAll(/^ *\* ?/gm, ''),
  }));
}

/** The files of a folder with that ending, as paths from the root. */
export function filesIn(folder: string, ending: string): string[] {
  return readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`)
    .sort();
}

/**
 * What the comments of an example say that it prints: `console.log(x); // 5` says "5", and so do lines of comment below
 * one. What follows a colon explains; "then" stands for what a loop prints later. Throws where nothing is said.
 */
export function promisesOf({ file, line, code }: Example): string {
  const lines = code.split('\n');
  const said = lines.flatMap((text, index) => {
    if (!text.includes('console.log(')) return [];
    const [, beside] = /; \/\/ (.*)$/.exec(text) ?? [];
    const below: string[] = [];
    for (let next = index + 1; /^\s*\/\/ /.test(lines[next] ?? ''); next++) {
      below.push((lines[next] ?? '').replace(/^\s*\/\/ /, ''));
    }
    const all = beside ?? below.join(' ');
    if (all === '') throw new Error(`${file}:${line + index} does not say what it prints`);
    return [all.replace(/: [a-z].*$/, '').replaceAll(', then ', ', ')];
  });
  return said.join(', ');
}
