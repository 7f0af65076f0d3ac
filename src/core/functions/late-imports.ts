import { loadsInWorker, toUrl, viteFile } from './modules.ts';
import type { NameContext } from './name-context.ts';
import { placeOf } from './problem.ts';
import type { FreeName } from './scope.ts';

/** `require('…')`, and what Vite makes of `import('…')`, with a specifier that is plain text. */
const call = /^[\w$]+\s*\((?:\s|\/\*.*?\*\/)*(["'])([^"'\\\n]+)\1\s*[,)]/s;

/**
 * Refuses a function that loads a module while it runs which no worker can load: it is written in TypeScript, and a test
 * runner that keeps its loader to itself has loaded it here.
 */
export function refuseLateImports({ references }: FreeName, { capture, located }: NameContext): void {
  const { script, url: parent } = located;
  for (const { start } of references) {
    const specifier = call.exec(script.text.slice(start, start + 1000))?.[2];
    if (specifier === undefined) continue;
    const file = viteFile({ specifier, parent });
    if (loadsInWorker({ specifier: file === undefined ? specifier : toUrl(file), parent })) continue;
    throw capture.fail(
      { name: `import('${specifier}')`, place: placeOf(script, start) },
      'leads to a module that a worker cannot load: it needs the loader of this process, or runs the entry script',
      'Import it at the top of the file, or pass what the function needs of it as an argument.',
    );
  }
}
