/** All cases, in the order in which they are printed. */
import { actorCases } from './actors.mjs';
import { cliffCases } from './cliffs.mjs';
import { dataPlaneCases } from './data-plane.mjs';
import { fairnessCases } from './fairness.mjs';
import { gcsCases } from './gcs.mjs';
import { memoryCases } from './memory.mjs';
import { objectCases } from './objects.mjs';
import { roundTripCases } from './round-trip.mjs';
import { schedulerCases } from './scheduler.mjs';
import { startCases } from './start.mjs';
import { taskCases } from './tasks.mjs';
import { transportCases } from './transport.mjs';
import { treeCases } from './tree.mjs';

export const cases = [
  ...taskCases,
  ...roundTripCases,
  ...actorCases,
  ...treeCases,
  ...fairnessCases,
  ...objectCases,
  ...cliffCases,
  ...startCases,
  ...memoryCases,
  ...schedulerCases,
  ...gcsCases,
  ...transportCases,
  ...dataPlaneCases,
];
