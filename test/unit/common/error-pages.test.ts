import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type ErrorCode, errorCodes } from '../../../src/common/error-codes.ts';
import { errorPage } from '../../../src/common/error-page.ts';
import { MobulaError, reviveError, TaskError } from '../../../src/common/errors.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const codes = Object.keys(errorCodes) as ErrorCode[];

/** The address that ends a message; throws where there is none. */
function linkOf(message: string): { readonly file: string; readonly anchor: string } {
  const [, file, anchor] = / See (\/\S+\.md)#(\w+)$/.exec(message) ?? [];
  if (file === undefined || anchor === undefined) throw new Error(`no link: ${message}`);
  return { file, anchor };
}

/** The sections of a document, by their anchors, as far as they have text. */
function sections(file: string): Map<string, string> {
  const [, ...parts] = readFileSync(file, 'utf8').split(/^## /m);
  return new Map(
    parts.map((part) => {
      const [title = '', ...text] = part.split('\n');
      return [title.trim().toLowerCase().replaceAll(' ', '-'), text.join('\n').trim()];
    }),
  );
}

for (const code of codes) {
  test(`the message of ${code} leads to a page that explains it`, () => {
    const { file, anchor } = linkOf(new MobulaError(code, 'It failed.').message);
    assert.equal(`${file}#${anchor}`, errorPage(code));
    assert.equal(file, `${root}docs/errors.md`);
    assert.match(sections(file).get(anchor) ?? '', /\w+.*[.:]/);
  });
}

test('no page explains an error that does not exist', () => {
  const { file } = linkOf(new MobulaError('ERR_MOBULA_TASK', 'It failed.').message);
  assert.deepEqual([...sections(file).keys()].sort(), codes.map((code) => code.toLowerCase()).sort());
});

test('pages are part of the package', () => {
  const { files } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { readonly files: readonly string[] };
  assert.ok(files.includes('docs'));
});

test('an error from another installation keeps its message: it has the address of a page already', () => {
  const message = 'It failed. See /elsewhere/node_modules/mobula/docs/errors.md#err_mobula_task';
  assert.equal(new MobulaError('ERR_MOBULA_TASK', message).message, message);
});

test('an error that travels keeps its message as it is', () => {
  const error = new MobulaError('ERR_MOBULA_CLUSTER', 'It failed.');
  const { name, message, stack, code } = error;
  assert.equal(reviveError({ name, message, stack, fields: { code } }).message, error.message);
});

test('what user code threw stands before the link', () => {
  const { message } = TaskError.from(new RangeError('too far'), { taskName: 'walk', nodeId: 'n', attempt: 1 });
  assert.equal(message, `Task 'walk' failed: too far. See ${root}docs/errors.md#err_mobula_task`);
});

test('every code in the sources is a code that users can look up', () => {
  const known = new Set<string>(codes);
  for (const folder of ['src', 'native/src', 'crates']) {
    for (const name of readdirSync(root + folder, { recursive: true, encoding: 'utf8' })) {
      if (!/\.(ts|rs)$/.test(name)) continue;
      for (const [code] of readFileSync(`${root}${folder}/${name}`, 'utf8').matchAll(/\bERR_MOBULA_[A-Z_]*[A-Z]\b/g)) {
        assert.ok(known.has(code), `${folder}/${name}: ${code} is not in src/common/error-codes.ts`);
      }
    }
  }
});

/** Runs a program of a folder of its own; gives what it prints. */
function run(folder: string, file: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, [join(folder, file)], { cwd: folder, encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout.trim();
}

test('the address holds in an installation, and in a program that a bundler has put into one file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mobula-page-'));
  try {
    const home = join(folder, 'node_modules/mobula');
    for (const part of ['docs', 'package.json']) cpSync(root + part, join(home, part), { recursive: true });
    const page = `${home}/docs/errors.md#err_mobula_task`;
    const program = 'console.log(new MobulaError("ERR_MOBULA_TASK", "x").helpPage);';
    writeFileSync(
      join(folder, 'main.mjs'),
      `import { MobulaError } from './node_modules/mobula/dist/common.js';\n${program}`,
    );
    // Errors alone: the rest needs the addon, which lies elsewhere in a clone.
    await build({
      entryPoints: [`${root}src/common/errors.ts`],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: join(home, 'dist/common.js'),
      allowOverwrite: true,
    });
    assert.equal(run(folder, 'main.mjs'), page);
    await build({
      stdin: {
        contents: `import { MobulaError } from ${JSON.stringify(`${root}src/common/errors.ts`)};\n${program}`,
        resolveDir: folder,
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: join(folder, 'out/bundle.mjs'),
    });
    assert.equal(run(folder, 'out/bundle.mjs'), page);
    // Nothing installed anywhere near: at least the name of the package.
    rmSync(home, { recursive: true });
    assert.equal(run(folder, 'out/bundle.mjs'), 'mobula/docs/errors.md#err_mobula_task');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
