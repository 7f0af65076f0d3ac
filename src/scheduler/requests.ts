import { fill } from './deal.ts';
import { verdicts } from './feasible.ts';
import { meanOf, newLine, removeEmpty, removeLine } from './lines.ts';
import type { Line, NodeState, Submitter } from './model.ts';
import type { LargeArgument, NodeId, Request, TaskWish, Wish } from './ports.ts';
import { satisfy } from './satisfy.ts';
import { ready } from './start.ts';
import { knownNode, type SchedulerState, type Turn } from './state.ts';
import { closeEmpty, closeWindow, confirm, held, openWindow, scaleOf, setOut, setW, use } from './windows.ts';

/** Takes what a submitter wants, and gives it what there is. */
export function onRequest(turn: Turn, request: Request): void {
  const { state } = turn;
  if (state.dead.has(request.from)) return;
  const submitter = knownSubmitter(state, request.from);
  if (request.no <= submitter.no) return;
  submitter.no = request.no;
  const freed = new Set<NodeState>();
  const lines = request.wishes.map((wish) => takeWish(turn, submitter, wish, freed));
  const tasks = request.tasks.map((wish) => takeTask(turn, submitter, wish));
  for (const id of request.gone) {
    const line = submitter.tasks.get(id);
    if (line !== undefined) removeLine(state, line);
  }
  if (request.complete) state.awaited.delete(request.from);
  if (request.complete) forgetOthers(turn, submitter, new Set([...lines, ...tasks]));
  for (const window of confirm(submitter, request.seen)) {
    freed.add(window.node);
    if (closeEmpty(window)) removeEmpty(state, window.line);
  }
  ready(turn);
  for (const line of lines) satisfy(turn, line);
  for (const line of tasks) satisfy(turn, line);
  // Others may wait for what came free, and a node with nothing to do has nothing new to report.
  if (state.ready) for (const node of freed) if (node.contested) fill(turn, node);
  verdicts(turn);
}

function knownSubmitter({ submitters }: SchedulerState, id: NodeId): Submitter {
  let submitter = submitters.get(id);
  if (submitter === undefined) {
    submitter = { id, no: -1, sent: 0, lines: new Map(), tasks: new Map(), shrunk: new Set() };
    submitters.set(id, submitter);
  }
  return submitter;
}

/** `freed`: gets the nodes at which less of the line may be than before. */
function takeWish({ state }: Turn, submitter: Submitter, wish: Wish, freed: Set<NodeState>): Line {
  const { line: number, ask, large, count, meanMs, out } = wish;
  let line = submitter.lines.get(number);
  if (line === undefined) {
    line = newLine(state, submitter, ask, number, null);
    submitter.lines.set(number, line);
  }
  line.count = count;
  line.ownMeanMs = meanMs;
  setLarge(line, large);
  // With each request: they may be other tasks than those that it was told of.
  line.told = false;
  const before = [...line.windows.values()].map((window) => [window, held(window)] as const);
  for (const [window] of before) if (window.out > 0) setOut(window, 0);
  for (const [id, n] of out) {
    const node = livingNode(state, id);
    if (node !== null) setOut(openWindow(line, node, scaleOf(line, meanOf(state, line))), n);
  }
  for (const [window, most] of before) if (held(window) < most) freed.add(window.node);
  return line;
}

function takeTask({ state }: Turn, submitter: Submitter, wish: TaskWish): Line {
  let line = submitter.tasks.get(wish.task);
  if (line === undefined) {
    line = newLine(state, submitter, wish.ask, 0, wish.task);
    submitter.tasks.set(wish.task, line);
  }
  line.count = 1;
  setLarge(line, wish.large);
  takeRefusals(state, line, wish.refusedBy);
  if (wish.at !== null) putAt(state, line, wish.at);
  return line;
}

function setLarge(line: Line, large: readonly LargeArgument[]): void {
  line.large = large;
  line.bytes = 0;
  for (const { bytes } of large) line.bytes += bytes;
}

/** A node that refused is asked again after its next report. */
function takeRefusals(state: SchedulerState, line: Line, refusedBy: readonly NodeId[]): void {
  if (refusedBy.length <= line.refusals) return;
  for (const id of refusedBy.slice(line.refusals)) {
    const node = state.nodes.get(id);
    if (node === undefined) continue;
    line.refused ??= new Map();
    line.refused.set(node, node.no);
    const window = line.windows.get(node);
    if (window !== undefined) closeWindow(window);
  }
  line.refusals = refusedBy.length;
}

/** The task is where its submitter says. A scheduler that was restarted did not know. */
function putAt(state: SchedulerState, line: Line, at: NodeId): void {
  const node = livingNode(state, at);
  if (node === null || line.windows.has(node)) return;
  for (const window of line.windows.values()) closeWindow(window);
  const window = openWindow(line, node, scaleOf(line, meanOf(state, line)));
  window.w = 1;
  window.out = 1;
  line.granted += 1;
  use(node, line, 1, window.scale);
}

function livingNode(state: SchedulerState, id: NodeId): NodeState | null {
  return state.dead.has(id) ? null : knownNode(state, id);
}

/** What a complete request does not name is gone. */
function forgetOthers({ state, effects }: Turn, { lines, tasks }: Submitter, named: ReadonlySet<Line>): void {
  for (const line of tasks.values()) if (!named.has(line)) removeLine(state, line);
  for (const line of lines.values()) {
    if (named.has(line)) continue;
    line.count = 0;
    for (const window of line.windows.values()) {
      setOut(window, 0);
      setW(window, 0, effects);
      closeEmpty(window);
    }
    removeEmpty(state, line);
  }
}
