import { noteAble } from './feasible.ts';
import { removeEmpty, settle, shrink } from './lines.ts';
import type { Line } from './model.ts';
import { placeMany } from './place-many.ts';
import { placeTask } from './place-task.ts';
import type { Turn } from './state.ts';

/** Gives the line what it lacks, takes back what it has too much, and forgets it if it wants nothing. */
export function satisfy(turn: Turn, line: Line): void {
  shrink(turn, line);
  if (line.count > line.granted && turn.state.ready) {
    const able = line.task === null ? placeMany(turn, line) : placeTask(turn, line);
    noteAble(turn, line, able > 0);
  } else settle(turn, line);
  removeEmpty(turn.state, line);
}
