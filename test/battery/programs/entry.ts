// The entry script: it has programs of its own, whose functions and constants stand at the top level of the script that was started.
import { battery } from '../inside/battery.ts';
import { may, must, type Program } from '../inside/program.ts';
import { areas } from './areas.ts';
import { Point, scale } from './lib/geometry.ts';

globalThis.batteryEntries = (globalThis.batteryEntries ?? 0) + 1;

const BASE = 10;
const settings = { by: 2, nested: { list: [1, 2, 3] } };
let filledOnce: string;
filledOnce = 'filled';
let changing = 1;
changing += 1;

function addBase(x: number) {
  return x + BASE;
}

class Tally {
  #sum = BASE;
  add(x: number) {
    this.#sum += x;
    return this.#sum;
  }
}

const programs: Program[] = [
  must('entry: a constant', (call) => call((x: number) => x + BASE, 1)),
  must('entry: a helper', (call) => call((x: number) => addBase(x), 1)),
  must('entry: a top-level function by itself', (call) => call(addBase, 1)),
  must('entry: nested data', (call) => call(() => settings)),
  must('entry: a let filled once', (call) => call(() => filledOnce)),
  may('entry: a let assigned twice', (call) => call(() => changing), 'changing'),
  must('entry: an imported function', (call) => call((x: number) => scale(x, 3), 2)),
  must('entry: an imported class', (call) => call(() => new Point(3, 4).length())),
  must('entry: a class as an actor', async (call) => {
    const tally = call.actor(Tally);
    return [await tally.add(1), await tally.add(2)];
  }),
  must('entry: nothing of the top level runs in a worker', (call) => {
    const entries = call.remotely ? 0 : 1;
    return call((expected: number) => (globalThis.batteryEntries ?? 0) === expected, entries);
  }),
];

export const done = battery({ ...areas, entry: programs });
