import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root: string = fileURLToPath(new URL('../../../', import.meta.url));
/** What these tests fetch, once. */
const cache = join(root, 'node_modules/.cache/mobula-install');
/** The cache that installing finds its packages in when there is no network. */
export const npmCache: string = join(cache, 'npm');

/** The Nodes that README names, the oldest that is supported first. */
export const nodes = { '20': '20.19.0', '22': '22.23.3', '24': '24.21.0', '26': '26.10.0' } as const;
/** A Node that is too old. */
export const oldNode = '18.20.8';

const { version, devDependencies, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** The version that is packed. */
export { version };

/** The tarballs that `npm run pack` made: mobula, and the binary of this machine. */
export const tarballs = {
  mobula: join(root, `target/tarballs/mobula-${version}.tgz`),
  platform: (name: string): string => join(root, `target/tarballs/mobula-core-${name}-${version}.tgz`),
};

/** Packages that a TypeScript project has beside mobula. */
export const tools: readonly string[] = ['tsx', 'typescript', '@types/node'].map(
  (name) => `${name}@${devDependencies[name]}`,
);

/** npm's own program, to be run by the Node of one's choice. */
function npmProgram(): string {
  const told = process.env['npm_execpath'];
  if (told?.endsWith('npm-cli.js')) return told;
  const command = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim();
  return realpathSync(command);
}
const npm = npmProgram();

/** Runs npm with the network, to fetch what the tests need. */
function fetch(args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [npm, ...args, '--no-audit', '--no-fund'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}:\n${stderr}`);
}

/** Fetches a Node, unless it is there, and gives its program. */
export function nodeProgram(wanted: string): string {
  const folder = join(cache, `node-${wanted}`);
  const name = `node-${process.platform}-${process.arch}`;
  const program = join(folder, 'node_modules', name, 'bin/node');
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    fetch(['install', '--ignore-scripts', '--prefix', folder, `${name}@${wanted}`]);
  }
  return program;
}

/** Fetches what an install needs beside our packages. */
export function fillNpmCache(): void {
  const folder = join(cache, 'filled');
  const wanted = [...Object.entries(dependencies).map(([name, range]) => `${name}@${range}`), ...tools];
  const mark = join(folder, 'wanted.json');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === JSON.stringify(wanted)) return;
  mkdirSync(folder, { recursive: true });
  fetch(['install', '--ignore-scripts', '--prefix', folder, '--cache', npmCache, ...wanted]);
  writeFileSync(mark, JSON.stringify(wanted));
}

/** How a command ended. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/**
 * An empty project of somebody who has one Node and nothing else: no Rust, no git, no compiler, no settings of npm. Its
 * path has a space and a letter that is not ASCII.
 */
export class Project {
  readonly folder: string;
  readonly #bin: string;
  readonly #node: string;

  constructor(parent: string, node: string, extra: object = {}) {
    const home = join(parent, 'Jürgen’s things');
    this.folder = join(home, 'a projet');
    this.#bin = join(home, 'bin');
    this.#node = node;
    mkdirSync(this.folder, { recursive: true });
    mkdirSync(this.#bin);
    symlinkSync(node, join(this.#bin, 'node'));
    for (const name of ['sh', 'env']) symlinkSync(realpathSync(`/bin/${name}`), join(this.#bin, name));
    this.write('package.json', JSON.stringify({ private: true, type: 'module', ...extra }));
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  /** Runs a program with this project's Node. */
  node(args: readonly string[], env: NodeJS.ProcessEnv = {}): Outcome {
    const { status, stdout, stderr, error } = spawnSync(this.#node, args, {
      cwd: this.folder,
      encoding: 'utf8',
      env: { HOME: dirname(this.folder), PATH: this.#bin, NODE_DISABLE_COMPILE_CACHE: '1', ...env },
    });
    if (error !== undefined) throw error;
    return { code: status, output: stdout, errors: stderr };
  }

  /** Runs npm with this project's Node. */
  npm(args: readonly string[]): Outcome {
    return this.node([npm, ...args, '--no-audit', '--no-fund', '--no-update-notifier']);
  }

  /** Installs with neither network, scripts nor git. */
  install(packages: readonly string[]): Outcome {
    const refused = ['--offline', '--ignore-scripts', '--allow-git=none'];
    return this.npm(['install', ...refused, '--cache', npmCache, ...packages]);
  }

  /** Runs an installed command, as npx does. */
  command(name: string, args: readonly string[]): Outcome {
    return this.node([join(this.folder, 'node_modules/.bin', name), ...args]);
  }

  remove(): void {
    rmSync(dirname(this.folder), { recursive: true, force: true });
  }
}
