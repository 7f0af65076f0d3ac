import { get } from '../../../index.ts';
import type { Case } from '../case.ts';
import { Actors, smallValue } from '../remotes.ts';
import { endActors } from './actors.ts';

const CLIENTS = 4;
const TASKS_PER_CLIENT = 10_000;

/** Ray's cases of tasks. */
export const taskCases: readonly Case[] = [
  {
    name: 'single client tasks sync',
    multiplier: 1,
    unit: 'tasks',
    roundTrip: true,
    by: 'ray',
    setUp: async () => ({ operation: () => get(smallValue.remote()) }),
  },
  {
    name: 'single client tasks async',
    multiplier: 1000,
    unit: 'tasks',
    by: 'ray',
    setUp: async () => ({ operation: () => get(Array.from({ length: 1000 }, () => smallValue.remote())) }),
  },
  {
    name: 'multi client tasks async',
    multiplier: CLIENTS * TASKS_PER_CLIENT,
    unit: 'tasks',
    by: 'ray',
    setUp: async () => {
      const clients = Array.from({ length: CLIENTS }, () => Actors.remote());
      return {
        operation: () => get(clients.map((client) => client.smallValueBatch.remote(TASKS_PER_CLIENT))),
        end: () => endActors(clients),
      };
    },
  },
];
