/**
 * The global scheduler as a step: 1 000 shapes of 50 jobs, 100 nodes. Each request asks for 1 to 64 slots, or ends what one asked
 * for; a node's load changes before each. Then tasks with large arguments, one a request.
 */
import { check, parameters, report } from '../lib/child.mjs';
import { importSource } from '../lib/source.mjs';
import { median } from '../lib/stats.mjs';

const { shapes, jobs, nodes, slots, open: OPEN, large, rounds, turns } = parameters;
const { newScheduler, scheduler } = await importSource('scheduler/index.ts');

const SUBMITTERS = 10;
let seed = 1;
const random = () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};
const below = (n) => Math.floor(random() * n);
const state = newScheduler();
let now = 0;
const step = (event) => scheduler(state, event, { now, random });
const ids = Array.from({ length: nodes }, (_, i) => `node-${i}`);
const numbers = new Map();
const number = (id) => {
  numbers.set(id, (numbers.get(id) ?? 0) + 1);
  return numbers.get(id);
};

function reportOf(id) {
  const total = { CPU: 320_000, memory: 64 * 2 ** 30 * 10_000 };
  const available = { CPU: 320_000 - below(4) * 10_000, memory: total.memory };
  return {
    kind: 'report',
    node: id,
    no: number(`report ${id}`),
    total,
    available,
    queue: below(4),
    meanMs: 10,
    means: [[`f${below(shapes)}`, 5 + below(100)]],
    bytesPerMs: 0,
    lent: [],
    onlyJob: null,
    draining: false,
  };
}

const submitters = Array.from({ length: SUBMITTERS }, (_, i) => ({ id: `driver-${i}`, no: 0, seen: 0, effects: [] }));
const asks = Array.from({ length: shapes }, (_, i) => ({
  job: `job-${i % jobs}`,
  fn: `f${i}`,
  priority: i % 3,
  demand: { CPU: [10_000, 5_000, 2_500, 20_000][i % 4], memory: (1 + (i % 250)) * 2 ** 20 * 10_000 },
  strategy: 'default',
  infeasibleAfterMs: 10_000,
}));

step({ kind: 'members', alive: [...ids, ...submitters.map(({ id }) => id)] });
for (const id of ids) {
  step(reportOf(id));
  step({ kind: 'request', from: id, no: number(id), seen: 0, complete: true, wishes: [], tasks: [], gone: [] });
}

function request(submitter, wishes, tasks, gone) {
  const { id: from, seen } = submitter;
  const complete = submitter.no === 0;
  submitter.no += 1;
  return step({ kind: 'request', from, no: submitter.no, seen, complete, wishes, tasks, gone });
}

/** What the submitters hear; how many slots that gives them. */
function hear(effects) {
  let granted = 0;
  for (const effect of effects) {
    if (effect.kind !== 'grant' && effect.kind !== 'assign') continue;
    submitters[Number(effect.to.slice(7))].seen = effect.no;
    if (effect.kind === 'assign') {
      granted += 1;
      continue;
    }
    const key = windows[effect.line];
    const node = places.get(effect.node);
    if (effect.w > key[node]) granted += effect.w - key[node];
    key[node] = effect.w;
  }
  return granted;
}

/** Windows by line: lines of all submitters have numbers of their own. */
const windows = asks.map(() => new Uint16Array(nodes));
const places = new Map(ids.map((id, i) => [id, i]));
const open = [];
let next = 0;

/** One load that changes and one request; gives the slots granted. */
function slotTurn() {
  now += 0.05;
  let granted = hear(step(reportOf(ids[below(nodes)])));
  const line = next++ % shapes;
  const submitter = submitters[line % SUBMITTERS];
  const wishes = [{ line, ask: asks[line], large: [], count: 1 + below(slots), meanMs: undefined, out: [] }];
  open.push(line);
  if (open.length > OPEN) {
    const ended = open.shift();
    const other = submitters[ended % SUBMITTERS];
    const end = { line: ended, ask: asks[ended], large: [], count: 0, meanMs: undefined, out: [] };
    if (other === submitter) wishes.push(end);
    else granted += hear(request(other, [end], [], []));
  }
  return granted + hear(request(submitter, wishes, [], []));
}

let tasks = 0;
/** One load that changes now and then, and one task with large arguments; gives 1 if it has a node. */
function taskTurn() {
  now += 0.01;
  let granted = tasks % 10 === 0 ? hear(step(reportOf(ids[below(nodes)]))) : 0;
  const task = `task-${tasks++}`;
  const submitter = submitters[tasks % SUBMITTERS];
  const arguments_ = [
    { bytes: 1e6 + below(1e7), places: [ids[below(nodes)], ids[below(nodes)]] },
    { bytes: 1e6 + below(1e7), places: [ids[below(nodes)]] },
  ];
  submitter.mine ??= [];
  const gone = submitter.mine.length >= 30 ? [submitter.mine.shift()] : [];
  submitter.mine.push(task);
  granted += hear(
    request(submitter, [], [{ task, ask: asks[tasks % shapes], large: arguments_, at: null, refusedBy: [] }], gone),
  );
  return granted;
}

/** Turns for a while: slots a second, by the clock and by this process's CPU time, which a busy machine does not change much. */
function rate(turn) {
  const start = performance.now();
  const cpu = process.cpuUsage();
  let done = 0;
  for (let i = 0; i < turns; i++) done += turn();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - start) / 1000;
  return { rate: done / seconds, cpuRate: done / ((user + system) / 1e6), each: done / turns };
}

const turn = large ? taskTurn : slotTurn;
for (let i = 0; i < 3; i++) rate(turn);
const measured = Array.from({ length: rounds }, () => rate(turn));
check(
  measured.every(({ each }) => each > (large ? 0.9 : slots / 4)),
  `${measured[0].each} slots a turn`,
);
report({
  rate: median(measured.map(({ rate }) => rate)),
  cpuRate: median(measured.map(({ cpuRate }) => cpuRate)),
  each: median(measured.map(({ each }) => each)),
});
