// Modules of a crate that need one another. New ones are refused; those that there are stand here, with their reason.
/** Cycles that there are: files in src/ of a crate that reach one another, and why they may. */
const known = [
  {
    crate: 'crates/mobula-sched',
    reason:
      'A node is its tables, and each table has a file: its type beside what nodes and turns do with it. So the table needs Node and Turn, and they need it.',
    files: [
      'actor.rs',
      'actor/names.rs',
      'actor/waits.rs',
      'away.rs',
      'batch.rs',
      'cancel.rs',
      'crew.rs',
      'deadlines.rs',
      'failure.rs',
      'follow.rs',
      'forward.rs',
      'lanes.rs',
      'line.rs',
      'lineage.rs',
      'live.rs',
      'node.rs',
      'offers.rs',
      'outlook.rs',
      'policy.rs',
      'port.rs',
      'reason.rs',
      'region.rs',
      'starving.rs',
      'task.rs',
      'template.rs',
      'templates.rs',
      'turn.rs',
    ],
  },
  {
    crate: 'crates/mobula-log',
    reason: "The crate's root has its error and its limits, which the log's one writer names.",
    files: ['lib.rs', 'writer.rs'],
  },
  {
    crate: 'crates/mobula-net',
    reason: 'An error names the refusal that the other side sent, and a frame carries one.',
    files: ['error.rs', 'frame.rs'],
  },
  {
    crate: 'crates/mobula-net',
    reason: 'A link may be secured, and what secures it waits for the socket as a link does.',
    files: ['link.rs', 'tls.rs'],
  },
  {
    crate: 'crates/mobula-store',
    reason:
      'The books under the lock are one struct of parts, and each part has a file: its books beside what the store does with them without the lock.',
    files: [
      'huge.rs',
      'meta.rs',
      'orphans.rs',
      'pin.rs',
      'relief.rs',
      'room.rs',
      'spares.rs',
      'spill.rs',
      'store.rs',
      'view.rs',
    ],
  },
  {
    crate: 'native',
    reason: 'A runtime knows the threads that have come to it, and each of them its runtime.',
    files: ['net.rs', 'port.rs', 'runtime.rs', 'tables.rs'],
  },
];

/** Code without comments, texts and tests. */
function code(source) {
  return source
    .replace(/\/\/.*$/gm, '')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/#\[cfg\((?:all\()?test\b[^\]]*\]\s*mod \w+ \{[\s\S]*?^\}/gm, '');
}

/** The paths that a `use` or an expression names: `a::{b, c::d}` is `a::b` and `a::c::d`. */
function* paths(tree, prefix = []) {
  let depth = 0;
  let start = 0;
  const parts = [];
  for (let i = 0; i <= tree.length; i++) {
    if (tree[i] === '{') depth++;
    else if (tree[i] === '}') depth--;
    else if (i === tree.length || (tree[i] === ',' && depth === 0)) {
      parts.push(tree.slice(start, i).trim());
      start = i + 1;
    }
  }
  for (const part of parts.filter((text) => text !== '')) {
    const brace = part.indexOf('{');
    const head = (brace < 0 ? part.replace(/ as \w+$/, '') : part.slice(0, brace))
      .split('::')
      .map((word) => word.trim());
    if (brace < 0) yield [...prefix, ...head];
    else yield* paths(part.slice(brace + 1, part.lastIndexOf('}')), [...prefix, ...head.filter((word) => word !== '')]);
  }
}

/** A crate's modules by path, `[]` being its root, with what each names of the others. */
class Crate {
  #modules = new Map();

  constructor(sources) {
    for (const [file, source] of sources) {
      const path =
        file === 'lib.rs'
          ? []
          : file
              .replace(/\.rs$/, '')
              .replace(/\/mod$/, '')
              .split('/');
      this.#modules.set(path.join('::'), { file, path, code: code(source), names: new Map() });
    }
    for (const module of this.#modules.values()) {
      for (const [, tree] of module.code.matchAll(/\bpub(?:\([^)]*\))? use ([^;]+);/g)) {
        for (const path of paths(tree)) module.names.set(path.at(-1), path);
      }
    }
  }

  /** The module that a path leads to, seen from another: where the item itself lies, not where it is passed on. */
  #resolve(from, path) {
    let [at, rest] = [from.path, path];
    if (rest[0] === 'crate') [at, rest] = [[], rest.slice(1)];
    else if (rest[0] === 'self') rest = rest.slice(1);
    while (rest[0] === 'super') [at, rest] = [at.slice(0, -1), rest.slice(1)];
    for (;;) {
      const [word, ...more] = rest;
      const inside = [...at, word].join('::');
      if (word !== undefined && this.#modules.has(inside)) [at, rest] = [[...at, word], more];
      else break;
    }
    const module = this.#modules.get(at.join('::'));
    const passedOn = rest.length > 0 ? module?.names.get(rest[0]) : undefined;
    if (passedOn === undefined || passedOn.at(-1) === '*') return module;
    return this.#resolve(module, passedOn);
  }

  /** The files that each file names something of. */
  edges() {
    const edges = new Map();
    for (const module of this.#modules.values()) {
      const targets = new Set();
      const children = [...this.#modules.values()].filter(
        ({ path }) => path.length === module.path.length + 1 && module.path.every((word, i) => word === path[i]),
      );
      const starts = ['crate', 'super', 'self', ...children.map(({ path }) => path.at(-1))].join('|');
      // What it passes on is for others; it does not need it.
      const own = module.code.replace(/\bpub(?:\([^)]*\))? use [^;]+;/g, '');
      const named = new RegExp(
        `(?<![\\w:])(?:${starts})(?:::\\w+)*(?:::\\{(?:[^{}]|\\{(?:[^{}]|\\{[^{}]*\\})*\\})*\\})?`,
        'g',
      );
      for (const [tree] of own.matchAll(named)) {
        if (!tree.includes('::')) continue;
        for (const path of paths(tree)) {
          const target = this.#resolve(module, path);
          if (target !== undefined && target !== module) targets.add(target.file);
        }
      }
      edges.set(module.file, targets);
    }
    return edges;
  }
}

/** The sets of nodes that reach one another (Tarjan), of more than one node. */
function cycles(edges) {
  const [index, low, stack, found] = [new Map(), new Map(), [], []];
  const visit = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    for (const next of edges.get(node)) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node), low.get(next)));
    }
    if (low.get(node) !== index.get(node)) return;
    const cycle = stack.splice(stack.indexOf(node));
    if (cycle.length > 1) found.push(cycle);
  };
  for (const node of edges.keys()) if (!index.has(node)) visit(node);
  return found;
}

/** The cycles among modules of the crates that are not known, and what is known and is none any more, as lines to print. */
export function moduleCycles(files, text) {
  const crates = new Map();
  for (const file of files) {
    const [, crate, inside] = /^((?:crates\/[\w-]+|native))\/src\/(.+\.rs)$/.exec(file) ?? [];
    if (crate === undefined) continue;
    if (!crates.has(crate)) crates.set(crate, []);
    crates.get(crate).push([inside, text(file)]);
  }
  const problems = [];
  for (const [crate, sources] of crates) {
    const listed = known.filter((cycle) => cycle.crate === crate);
    const there = cycles(new Crate(sources).edges());
    for (const cycle of there) {
      const allowed = listed.find(({ files: names }) => names.some((name) => cycle.includes(name)))?.files ?? [];
      for (const file of cycle.filter((name) => !allowed.includes(name)))
        problems.push(`${crate}/src/${file}: is in a cycle with ${cycle.filter((name) => name !== file).join(', ')}`);
    }
    for (const name of listed.flatMap((cycle) => cycle.files).filter((file) => !there.flat().includes(file)))
      problems.push(`scripts/cycles.mjs: ${crate}/src/${name} is in no cycle any more`);
  }
  return problems;
}
