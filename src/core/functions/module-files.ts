import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Whether Node takes the file at `path` for an ES module without looking into it: by its name, or by what its package says. */
export function isModuleFile(path: string): boolean {
  if (/\.m[jt]s$/.test(path)) return true;
  return /\.[jt]s$/.test(path) && packageType(dirname(path)) === 'module';
}

/** The `type` that the package of a folder has in its `package.json`. */
function packageType(folder: string): unknown {
  try {
    return Reflect.get(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as object, 'type');
  } catch {
    // No such file, or none that can be read: Node asks the folder above, too.
    const above = dirname(folder);
    return above === folder ? undefined : packageType(above);
  }
}
