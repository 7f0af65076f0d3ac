import type { Case } from '../case.ts';
import { actorCases } from './actors.ts';
import { objectCases } from './objects.ts';
import { ownCases } from './own.ts';
import { taskCases } from './tasks.ts';

/** All cases, in the order in which they run. Ray's own are in Ray's order. */
export const cases: readonly Case[] = [...objectCases, ...taskCases, ...actorCases, ...ownCases];
