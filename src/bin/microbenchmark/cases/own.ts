import { allocate, get, put, remote } from '../../../index.ts';
import type { Case } from '../case.ts';

interface Fields {
  readonly id: number;
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly active: boolean;
}

const fields: Fields = { id: 1234, name: 'manta', x: 1.5, y: 0.25, active: true };
const MEBIBYTE = 1024 * 1024;

const swap = remote(({ id, name, x, y, active }: Fields): Fields => ({ id, name, x: y, y: x, active: !active }), {
  name: 'swap',
});

/** What Ray's cases leave out: values that are more than a number, and results that are written in place. */
export const ownCases: readonly Case[] = [
  {
    name: 'put an object of 5 fields',
    multiplier: 1,
    unit: 'calls',
    by: 'benchmark',
    setUp: async () => ({
      operation: () => {
        put(fields)[Symbol.dispose]();
        return undefined;
      },
    }),
  },
  {
    name: 'put and get an object of 5 fields',
    multiplier: 1,
    unit: 'objects',
    by: 'benchmark',
    setUp: async () => ({ operation: () => get(put(fields)) }),
  },
  {
    name: 'task with an object of 5 fields in and out',
    multiplier: 1,
    unit: 'tasks',
    roundTrip: true,
    by: 'benchmark',
    setUp: async () => ({ operation: () => get(swap.remote(fields)) }),
  },
  {
    name: 'allocate, fill and put 1 MiB',
    multiplier: 1,
    unit: 'arrays',
    by: 'benchmark',
    setUp: async () => ({
      operation: () => {
        put(allocate(Uint8Array, MEBIBYTE).fill(1))[Symbol.dispose]();
        return undefined;
      },
    }),
  },
];
