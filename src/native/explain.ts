import { version } from '../common/version.ts';
import type { Attempt } from './attempt.ts';
import { glibcFloor, libc, platform, platforms } from './platform.ts';

/** What was tried, one line each, and what to do: the message of `ERR_MOBULA_BINARY`. */
export function explain(attempts: readonly Attempt[]): string {
  const system = [platform(), `Node ${process.version}`, libc()].filter((part) => part !== undefined).join(', ');
  const tried = attempts.map((attempt) => `\n  ${attempt.place}: ${outcome(attempt)}`).join('');
  return `mobula ${version} found no binary that works on ${system}. Tried:${tried}\n${advice(attempts)}`;
}

function outcome({ failure, details }: Attempt): string {
  if (failure === 'absent') return 'not there';
  if (failure === 'version') return `its version is ${details}`;
  return details instanceof Error ? details.message : String(details);
}

/** The next step. */
function advice(attempts: readonly Attempt[]): string {
  const name = platform();
  const last = attempts.at(-1);
  const wrong = attempts.find(({ failure }) => failure === 'version');
  if (last?.source === 'environment') {
    return `MOBULA_BINARY names this file: unset it, or give it the path of a binary of mobula ${version} for ${name}.`;
  }
  const known = `There are binaries for ${platforms.join(', ')}.`;
  if (!platforms.includes(name)) return `${known} mobula does not run here: use it on one of these.`;
  const packages = `npm install mobula@${version}`;
  if (wrong?.source === 'clone') return 'In a clone, "npm run build" brings it up to date (it needs Rust).';
  if (wrong !== undefined) {
    return `The packages mobula and ${wrong.place} must have the same version: run "${packages}".`;
  }
  if (last?.failure === 'refused') {
    const floor = name.endsWith('-gnu') ? ` It needs glibc ${glibcFloor} or later.` : '';
    return `The file is there but Node cannot load it.${floor} If it is damaged, remove node_modules and install again.`;
  }
  return (
    'It comes with an optional dependency: install without --omit=optional, and on the platform that runs it ' +
    `(not with node_modules copied from another): remove node_modules and run "${packages}". ` +
    'In a clone, run "npm run build" (it needs Rust).'
  );
}
