import { createRequire } from 'node:module';
import { MobulaError } from '../../common/errors.ts';
import { bytesOf, hashOf, packageFolder, packageJson, versionOf } from './disk.ts';
import { type NeededChoice, type NeededFile, type NeededPackage, type Needs, pathOf } from './needs.ts';

/** This node's files. */
export interface Here {
  readonly nodeId: string;
  /** The application's root. */
  readonly root: string;
}

/** Digits of a hash that tell enough to people. */
const DIGITS = 16;

/** What this thread has found: hashes by path, folders by folder and name. It is not looked at again, as some of it is loaded. */
const hashes = new Map<string, string | undefined>();
const folders = new Map<string, string | undefined>();

/** The error of tasks whose function needs what this node does not have, or has otherwise. */
export function refusalOf(needs: Needs, here: Here): MobulaError | undefined {
  const problem =
    firstOf(needs.files, (file) => ofFile(file, needs, here)) ??
    firstOf(needs.packages, (needed) => ofPackage(needed, here)) ??
    firstOf(needs.choices, (choice) => ofChoice(choice, here));
  if (problem === undefined) return undefined;
  const text = `Node ${here.nodeId} cannot run the function: ${problem}, then start the program again.`;
  return new MobulaError('ERR_MOBULA_FILES', text);
}

function firstOf<T>(all: readonly T[], problemOf: (one: T) => string | undefined): string | undefined {
  for (const one of all) {
    const problem = problemOf(one);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function ofFile({ name, hash, late }: NeededFile, { root }: Needs, here: Here): string | undefined {
  const path = pathOf(name, here.root);
  const own = remembered(hashes, path, () => {
    const bytes = bytesOf(path);
    return bytes && hashOf(bytes);
  });
  if (own === hash || (own === undefined && late)) return undefined;
  const theirs = `that of the program (${pathOf(name, root)}) has SHA-256 ${hash.slice(0, DIGITS)}`;
  return own === undefined
    ? `${path} is missing there; ${theirs}. Put the same files there`
    : `${path} has SHA-256 ${own.slice(0, DIGITS)} there; ${theirs}. Put the same files there`;
}

function ofPackage({ name, version, from, at, late }: NeededPackage, { root }: Here): string | undefined {
  const start = pathOf(from, root);
  const folder = remembered(folders, `${start}\0${name}`, () => packageFolder(start, name));
  if (folder === undefined) {
    if (late) return undefined;
    return `the package '${name}' is missing there, as seen from ${start}; the program has version ${version}. Install the same packages there`;
  }
  const own = versionOf(packageJson(folder)) ?? '';
  if (own !== version)
    return `${folder} is '${name}' in version ${own} there; the program has version ${version}. Install the same packages there`;
  if (at === undefined || folder === pathOf(at, root)) return undefined;
  return `the package '${name}' is ${folder} there; the program has it linked from ${at}. Link it in the same way there`;
}

function ofChoice({ from, specifier, to, late }: NeededChoice, { root }: Here): string | undefined {
  const [parent, wanted] = [pathOf(from, root), pathOf(to, root)];
  let own: string | undefined;
  try {
    own = createRequire(parent).resolve(specifier);
  } catch {
    if (late) return undefined;
  }
  if (own === wanted) return undefined;
  return `'${specifier}' in ${parent} is ${own ?? 'nothing'} there; the program takes ${to} for it. Put the same files there`;
}

function remembered(
  known: Map<string, string | undefined>,
  key: string,
  find: () => string | undefined,
): string | undefined {
  if (!known.has(key)) known.set(key, find());
  return known.get(key);
}
