// The rules of the house that no linter knows: where Rust may take its atomics and locks from, what the crates may depend on,
// which folder of src/ may import which, that modules of a crate form no new cycles, that steps read no real clock, and that
// paths named in the documentation exist.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { forbiddenImports } from './arrows.mjs';
import { moduleCycles } from './cycles.mjs';
import { realWorld } from './deterministic.mjs';
import { root } from './run.mjs';

const problems = [];
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(`${root}${file}`));
const text = (file) => readFileSync(`${root}${file}`, 'utf8');

/** Synchronisation comes through mobula-sync, so that loom can replace it. */
const direct = /\bstd::(sync::(atomic|Mutex|RwLock|Condvar)|cell::UnsafeCell)\b/;
for (const file of files.filter((name) => /^crates\/(?!mobula-sync\/).*\/src\/.*\.rs$/.test(name))) {
  text(file)
    .split('\n')
    .forEach((line, i) => {
      if (direct.test(line)) problems.push(`${file}:${i + 1}: take it from mobula_sync, which loom can replace`);
    });
}

/** The crates know nothing of Node. */
for (const file of files.filter((name) => /^crates\/.*\/Cargo\.toml$/.test(name))) {
  if (/^(napi|tokio)\b/m.test(text(file))) problems.push(`${file}: crates/ is free of Node and tokio`);
}

/** Arrows between the folders of src/ point down. */
problems.push(...forbiddenImports(files));

/** Modules of a crate do not need one another, save those that are listed with their reason. */
problems.push(...moduleCycles(files, text));

/** What the simulator runs reads neither clock nor chance of the real world. */
problems.push(...realWorld(files, text));

/** Documents name files that exist. */
for (const file of files.filter((name) => name.endsWith('.md') && !name.startsWith('bench/results'))) {
  for (const [, path] of text(file).matchAll(
    /`((?:src|crates|native|test|bench|docs|examples|scripts)\/[\w./-]+\.\w+)`/g,
  )) {
    if (!existsSync(`${root}${path}`)) problems.push(`${file}: names ${path}, which does not exist`);
  }
}

/** Test runners replace the global timers by fakes that stand still. */
const fakeable =
  /(?<![\w.#])(?:globalThis\.)?(?:set(?:Timeout|Interval|Immediate)|clear(?:Timeout|Interval|Immediate)|queueMicrotask|performance\.(?:now|mark|measure)|process\.(?:nextTick|hrtime))\b/;
const timers = 'src/common/timers.ts';
for (const file of files.filter((name) => /^src\/(?!bin\/).*\.ts$/.test(name) && name !== timers)) {
  const source = text(file);
  const imported = /import \{([^}]*)\} from '[./\w]*\/timers\.ts'/.exec(source)?.[1] ?? '';
  source.split('\n').forEach((line, i) => {
    const name = /^\s*(?:\/?\*|\/\/|import )/.test(line) ? undefined : fakeable.exec(line.replace(/'[^']*'/g, ''))?.[0];
    if (name !== undefined && !imported.split(/[\s,]+/).includes(name)) {
      problems.push(`${file}:${i + 1}: take ${name} from ${timers}`);
    }
  });
}

/** No file grows past what one thing needs. */
const limits = [
  [/^src\/.*\.ts$/, 400],
  [/^(crates|native)\/.*\.rs$/, 800],
];
for (const file of files) {
  const limit = limits.find(([pattern]) => pattern.test(file))?.[1];
  const lines = limit === undefined ? 0 : text(file).split('\n').length;
  if (limit !== undefined && lines > limit)
    problems.push(`${file}: ${lines} lines, more than ${limit}; it is two things`);
}

for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
