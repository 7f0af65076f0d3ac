import { CPU } from './amounts.ts';
import { deal } from './deal.ts';
import { nodeGained, nodeLost, verdicts } from './feasible.ts';
import { age, meanOf, removeLine } from './lines.ts';
import { exponential } from './means.ts';
import type { NodeState } from './model.ts';
import type { JobId, NodeId, Report } from './ports.ts';
import { satisfy } from './satisfy.ts';
import { begin, ready } from './start.ts';
import { knownNode, type Turn } from './state.ts';
import { closeWindow, held, rescale, scaleOf } from './windows.ts';

/** What a node is taken to receive at, at least: bytes per millisecond. */
const LEAST_BYTES_PER_MS = 50_000;
const UNIT = 10_000;
const MOST_DEAD = 1_000;

/** Takes a node's word about itself, and deals the node out anew. */
export function onReport(turn: Turn, report: Report): void {
  const { state } = turn;
  if (state.dead.has(report.node)) return;
  const node = knownNode(state, report.node);
  if (report.no <= node.no) return;
  const total = state.names.dense(report.total);
  const same =
    node.no >= 0 &&
    node.draining === report.draining &&
    node.onlyJob === report.onlyJob &&
    total.every((amount, i) => amount === node.total[i]) &&
    node.total.length === total.length;
  const first = node.no < 0;
  node.no = report.no;
  node.total = total;
  node.available = state.names.dense(report.available);
  node.onlyJob = report.onlyJob;
  node.draining = report.draining;
  node.parallel = Math.max(1, (report.total['CPU'] ?? 0) / UNIT);
  node.meanMs = report.meanMs;
  node.waitMs = (report.queue * report.meanMs) / node.parallel;
  node.sentMs = 0;
  if (report.bytesPerMs > 0)
    node.bytesPerMs = Math.max(LEAST_BYTES_PER_MS, exponential(node.bytesPerMs, report.bytesPerMs));
  for (const [fn, ms] of report.means) state.means.add(fn, ms);
  for (const [fn, cpu] of report.lent) lend(turn, node, fn, cpu);
  if (!same) {
    state.version += 1;
    if (!first) lost(turn);
    nodeGained(turn, node);
    node.contested = true;
  }
  ready(turn);
  age(turn);
  const lowered = deal(turn, node);
  if (lowered.length > 0 && state.list.some(({ contested }) => !contested))
    for (const line of lowered) satisfy(turn, line);
  verdicts(turn);
}

/** Tasks that wait in `get` count in their windows, but the CPU that those stand for is free: no more than they count. */
function lend({ state }: Turn, node: NodeState, fn: string, cpu: number): void {
  const windows = node.windows.filter(({ line }) => line.ask.fn === fn);
  let [scale, counted] = [Number.POSITIVE_INFINITY, 0];
  for (const window of windows) {
    rescale(window, scaleOf(window.line, meanOf(state, window.line)));
    scale = Math.min(scale, window.scale);
    counted += held(window) * UNIT * window.scale;
  }
  if (windows.length > 0) node.available[CPU] = (node.available[CPU] ?? 0) + Math.min(cpu * scale, counted);
}

/** Takes the list of the living. Nodes that were on it before and are not now are dead. */
export function onMembers(turn: Turn, alive: readonly NodeId[]): void {
  const { state, effects } = turn;
  const before = state.alive;
  state.alive = new Set(alive);
  if (before === null) begin(turn, alive);
  for (const id of alive) {
    if (state.dead.has(id)) continue;
    const known = state.nodes.get(id);
    if (known !== undefined && !known.member) {
      known.member = true;
      state.version += 1;
      known.contested = true;
      nodeGained(turn, known);
      deal(turn, known);
    }
    if (before?.has(id) !== true) effects.push({ kind: 'ask-all', to: id });
  }
  const gone = before === null ? [] : [...before].filter((id) => state.alive?.has(id) === false);
  for (const id of gone) bury(turn, id);
  if (gone.length > 0) lost(turn);
  ready(turn);
  verdicts(turn);
}

/** A node went or has less than before: tasks that waited for it alone, and need not, go elsewhere. */
function lost(turn: Turn): void {
  nodeLost(turn);
  const lines = [...turn.state.submitters.values()].flatMap(({ lines, tasks }) => [
    ...lines.values(),
    ...tasks.values(),
  ]);
  for (const line of lines) {
    const { strategy } = line.ask;
    if (typeof strategy === 'object' && strategy.soft && line.count > line.granted) satisfy(turn, line);
  }
}

function bury(turn: Turn, id: NodeId): void {
  const { state } = turn;
  state.dead.add(id);
  state.awaited.delete(id);
  if (state.dead.size > MOST_DEAD) {
    for (const oldest of state.dead) {
      state.dead.delete(oldest);
      break;
    }
  }
  const submitter = state.submitters.get(id);
  if (submitter !== undefined) {
    for (const line of submitter.lines.values()) removeLine(state, line);
    for (const line of submitter.tasks.values()) removeLine(state, line);
    state.submitters.delete(id);
  }
  const node = state.nodes.get(id);
  if (node === undefined) return;
  state.nodes.delete(id);
  state.version += 1;
  state.list.splice(state.list.indexOf(node), 1);
  const lines = node.windows.map(({ line }) => line);
  for (const window of [...node.windows]) closeWindow(window);
  for (const line of lines) {
    line.refused?.delete(node);
    satisfy(turn, line);
  }
}

/** Forgets what belongs to the job. */
export function onJobEnded({ state }: Turn, job: JobId): void {
  for (const { lines, tasks } of state.submitters.values()) {
    for (const line of lines.values()) if (line.ask.job === job) removeLine(state, line);
    for (const line of tasks.values()) if (line.ask.job === job) removeLine(state, line);
  }
  state.unmet.forgetJob(job);
}
