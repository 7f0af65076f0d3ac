// What only ES modules have.
import { must, type Program } from '../inside/program.ts';

const ready = await Promise.resolve(3);

export const programs: Program[] = [
  must('import.meta.url', (call) => call(() => import.meta.url.startsWith('file:'))),
  must('a constant that was awaited at the top level', (call) => call(() => ready)),
];
