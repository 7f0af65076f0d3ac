import type { Flight, Line, Submitter } from '../../../src/agent/submitter/state.ts';
import type { AnswerHead } from '../../../src/agent/wire/entries.ts';
import { Violation } from '../scenario.ts';
import type { Missing, Task } from './core-task.ts';

/** What counts is an answer of the attempt that is out, from the node where it is. */
export function auditAnswer(
  node: string,
  { index, attempt }: AnswerHead,
  flight: Flight | undefined,
  dead: ReadonlySet<string>,
): void {
  if (dead.has(node)) throw new Violation(`an answer of ${node} counts, which is dead`);
  if (flight?.node !== node)
    throw new Violation(`an answer of ${node} counts, and task ${index} is at ${flight?.node}`);
  if (flight.attempt !== attempt) throw new Violation(`an answer counts of an old attempt of task ${index}`);
}

/** What is out is counted, in each window, line and in all; nothing is at a node that is dead. */
export function auditSubmitter({ flights, lines, followers, dead }: Submitter): void {
  const out = new Map<Line | undefined, Map<string, number>>();
  for (const { line, node } of flights.values()) {
    if (dead.has(node)) throw new Violation(`a task is out at ${node}, which is dead`);
    if (line !== undefined && lines.get(line.number) !== line) {
      throw new Violation(`line ${line.number} is over, and a task of it is out`);
    }
    const at = out.get(line) ?? new Map<string, number>();
    out.set(line, at.set(node, (at.get(node) ?? 0) + 1));
  }
  const sum = (line: Line | undefined): number => [...(out.get(line)?.values() ?? [])].reduce((a, b) => a + b, 0);
  if (sum(undefined) !== followers) throw new Violation(`${followers} tasks follow, and ${sum(undefined)} are out`);
  for (const line of lines.values()) {
    if (line.out !== sum(line)) throw new Violation(`line ${line.number} has ${line.out} out, and ${sum(line)} are`);
    for (const [node, window] of line.windows) {
      const is = out.get(line)?.get(node) ?? 0;
      if (window.out !== is) throw new Violation(`a window at ${node} has ${window.out} out, and ${is} are`);
    }
  }
}

/** A task goes to a node that lives, and to the one where its arguments are being made. */
export function auditSent(task: Task, missing: readonly Missing[], node: string, { flights, dead }: Submitter): void {
  const { spec } = task;
  task.behind = missing.map(({ maker }) => ({ maker, tries: maker.tries }));
  if (dead.has(node)) throw new Violation(`${spec.task} goes to ${node}, which is dead`);
  if (missing.some(({ maker }) => flights.get(maker.index)?.node !== node)) {
    throw new Violation(`${spec.task} goes to ${node}, and what makes its arguments did not`);
  }
}

/** The values of a task that follows come behind those of the attempts that it follows. */
export function auditFollower(task: Task | undefined): void {
  if (task?.follows !== true) return;
  const late = task.behind.find(({ maker, tries }) => maker.state !== 'settled' && maker.held && maker.tries === tries);
  if (late !== undefined) throw new Violation(`${task.spec.task} is answered before ${late.maker.spec.task}`);
}
