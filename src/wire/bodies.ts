/** What nodes, submitters and the scheduler say, as MessagePack arrays. Every field is checked as it comes. */
import type { About, Ask, LargeArgument, Strategy, TaskWish, Wish } from '../scheduler/ports.ts';
import type { Kind } from '../transport/messages/kinds.ts';
import { type Packed, packed } from '../transport/messages/packed.ts';
import {
  type Check,
  either,
  is,
  isAmount,
  isAmounts,
  isCount,
  isFlag,
  isLabels,
  isNode,
  isNumber,
  isText,
  listOf,
  orNull,
  row,
} from './checks.ts';
import type { Granted, Load, NodeFacts, Wanted } from './ports.ts';

type Rows = readonly Packed[];

/** A value of a type, as bytes and back. Reading throws `ERR_MOBULA_FRAME` where the bytes are no such value. */
export interface Body<T> {
  write(value: T): Uint8Array;
  read(bytes: Uint8Array): T;
}

function body<T>(check: Check, pack: (value: T) => Rows, unpack: (rows: never) => T): Body<T> {
  const kind: Kind<Rows> = packed((value): value is Rows => check(value as Packed));
  return {
    write(value) {
      const rows = pack(value);
      const bytes = new Uint8Array(kind.size(rows));
      kind.write(bytes, 0, rows);
      return bytes;
    },
    read: (bytes) => unpack(kind.read({ bytes, at: 0, end: bytes.length }) as never),
  };
}

const pairs = <V extends Packed>(of: Readonly<Record<string, V>>): Rows => Object.entries(of);
/** Keys as `__proto__` stay keys. */
const record = <V>(of: readonly (readonly [string, V])[]): Record<string, V> => Object.fromEntries(of);

export const nodeFacts: Body<NodeFacts> = body(
  row(isFlag, isText, isCount, isAmounts, isLabels, isText, isText),
  (facts) => [
    facts.driver,
    facts.host,
    facts.pid,
    pairs(facts.resources),
    pairs(facts.labels),
    facts.agent,
    facts.data,
  ],
  ([driver, host, pid, resources, labels, agent, data]: [
    boolean,
    string,
    number,
    [string, number][],
    [string, string][],
    string,
    string,
  ]) => ({ driver, host, pid, resources: record(resources), labels: record(labels), agent, data }),
);

type LoadRows = [
  [string, number][],
  [string, number][],
  [string, number][],
  number,
  number,
  [string, number][],
  number,
  string | null,
  boolean,
];

export const load: Body<Load> = body(
  row(isAmounts, isAmounts, isAmounts, isCount, isAmount, isAmounts, isAmount, orNull(isText), isFlag),
  ({ total, available, lent, queue, meanMs, means, bytesPerMs, onlyJob, draining }) => [
    pairs(total),
    pairs(available),
    lent,
    queue,
    meanMs,
    means,
    bytesPerMs,
    onlyJob,
    draining,
  ],
  ([total, available, lent, queue, meanMs, means, bytesPerMs, onlyJob, draining]: LoadRows) => ({
    total: record(total),
    available: record(available),
    lent,
    queue,
    meanMs,
    means,
    bytesPerMs,
    onlyJob,
    draining,
  }),
);

const isStrategy = either(is('default'), is('spread'), is('elsewhere'), row(isNode, isFlag));
const isAsk = row(isText, isText, isNumber, isAmounts, isStrategy, isAmount);
const isLarge = listOf(row(isAmount, listOf(isNode)));
const isWish = row(isCount, isAsk, isLarge, isCount, orNull(isAmount), listOf(row(isNode, isCount)));
const isTaskWish = row(isText, isAsk, isLarge, orNull(isNode), listOf(isNode));

type StrategyRow = 'default' | 'spread' | 'elsewhere' | [string, boolean];
type AskRow = [string, string, number, [string, number][], StrategyRow, number];
type LargeRow = [number, string[]];
type WishRow = [number, AskRow, LargeRow[], number, number | null, [string, number][]];
type TaskRow = [string, AskRow, LargeRow[], string | null, string[]];

const packStrategy = (strategy: Strategy): Packed =>
  typeof strategy === 'string' ? strategy : [strategy.nodeId, strategy.soft];
const packAsk = ({ job, fn, priority, demand, strategy, infeasibleAfterMs }: Ask): Rows => [
  job,
  fn,
  priority,
  pairs(demand),
  packStrategy(strategy),
  infeasibleAfterMs,
];
const unpackAsk = ([job, fn, priority, demand, strategy, infeasibleAfterMs]: AskRow): Ask => ({
  job,
  fn,
  priority,
  demand: record(demand),
  strategy: typeof strategy === 'string' ? strategy : { nodeId: strategy[0], soft: strategy[1] },
  infeasibleAfterMs,
});
const packLarge = ({ bytes, places }: LargeArgument): Rows => [bytes, places];
const unpackLarge = ([bytes, places]: LargeRow): LargeArgument => ({ bytes, places });
const packWish = ({ line, ask, large, count, meanMs, out }: Wish): Rows => [
  line,
  packAsk(ask),
  large.map(packLarge),
  count,
  meanMs ?? null,
  out,
];
const unpackWish = ([line, ask, large, count, meanMs, out]: WishRow): Wish => ({
  line,
  ask: unpackAsk(ask),
  large: large.map(unpackLarge),
  count,
  meanMs: meanMs ?? undefined,
  out,
});
const packTask = ({ task, ask, large, at, refusedBy }: TaskWish): Rows => [
  task,
  packAsk(ask),
  large.map(packLarge),
  at,
  refusedBy,
];
const unpackTask = ([task, ask, large, at, refusedBy]: TaskRow): TaskWish => ({
  task,
  ask: unpackAsk(ask),
  large: large.map(unpackLarge),
  at,
  refusedBy,
});

export const wanted: Body<Wanted> = body(
  row(isCount, isCount, isFlag, listOf(isWish), listOf(isTaskWish), listOf(isText)),
  ({ no, seen, complete, wishes, tasks, gone }) => [
    no,
    seen,
    complete,
    wishes.map(packWish),
    tasks.map(packTask),
    gone,
  ],
  ([no, seen, complete, wishes, tasks, gone]: [number, number, boolean, WishRow[], TaskRow[], string[]]) => ({
    no,
    seen,
    complete,
    wishes: wishes.map(unpackWish),
    tasks: tasks.map(unpackTask),
    gone,
  }),
);

const kinds = { grant: 1, assign: 2, infeasible: 3, nodeDied: 4 } as const;
const isAbout = either(isCount, isText);

type GrantedRow =
  | [1, number, number, string, number]
  | [2, number, string, string, boolean]
  | [3, number | string]
  | [4, number | string, string];

const aboutRow = (about: About): number | string => ('line' in about ? about.line : about.task);
const aboutOf = (about: number | string): About => (typeof about === 'number' ? { line: about } : { task: about });

function packGranted(word: Granted): Rows {
  switch (word.kind) {
    case 'grant':
      return [kinds.grant, word.no, word.line, word.node, word.w];
    case 'assign':
      return [kinds.assign, word.no, word.task, word.node, word.must];
    case 'infeasible':
      return [kinds.infeasible, aboutRow(word.about)];
    case 'node-died':
      return [kinds.nodeDied, aboutRow(word.about), word.node];
  }
}

function unpackGranted(rows: GrantedRow): Granted {
  switch (rows[0]) {
    case kinds.grant:
      return { kind: 'grant', no: rows[1], line: rows[2], node: rows[3], w: rows[4] };
    case kinds.assign:
      return { kind: 'assign', no: rows[1], task: rows[2], node: rows[3], must: rows[4] };
    case kinds.infeasible:
      return { kind: 'infeasible', about: aboutOf(rows[1]) };
    case kinds.nodeDied:
      return { kind: 'node-died', about: aboutOf(rows[1]), node: rows[2] };
  }
}

export const granted: Body<readonly Granted[]> = body(
  listOf(
    either(
      row(is(kinds.grant), isCount, isCount, isNode, isCount),
      row(is(kinds.assign), isCount, isText, isNode, isFlag),
      row(is(kinds.infeasible), isAbout),
      row(is(kinds.nodeDied), isAbout, isText),
    ),
  ),
  (words) => words.map(packGranted),
  (rows: GrantedRow[]) => rows.map(unpackGranted),
);
