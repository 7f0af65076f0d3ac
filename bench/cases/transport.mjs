import { createRequire } from 'node:module';
import { atMost, note } from '../lib/figures.mjs';
import { high, low } from '../lib/frames.mjs';

const UWS = 'mobula, uWebSockets.js';

/** It has binaries for Node 20 alone. */
function hasUws() {
  try {
    createRequire(import.meta.url).resolve('@trufflesuite/uws-js-unofficial');
    return process.version.startsWith('v20.');
  } catch {
    return false;
  }
}

const systems = ['bare ws', 'mobula', ...(hasUws() ? [UWS] : []), 'mobula session'];

export const transportCases = [
  {
    name: 'transport-echo',
    title: 'frames of 64 bytes to another process and back, one at a time and 64 at a time',
    metrics: [low('p50', 'p50 µs'), low('p99', 'p99 µs'), high('rate', 'frames/s, 64 a batch')],
    configs: systems.map((system) => ({ label: system, program: 'transport-echo', parameters: { system } })),
    figures(measures) {
      const ratio = (system, metric) => measures.median(system, metric) / measures.median('bare ws', metric);
      return [
        atMost(1.1, 'p50: mobula ÷ bare ws', ratio('mobula', 'p50')),
        ...systems.slice(2).map((system) => note(`p50: ${system} ÷ bare ws`, ratio(system, 'p50'))),
        ...systems.slice(1).map((system) => note(`frames/s: ${system} ÷ bare ws`, ratio(system, 'rate'))),
      ];
    },
  },
];
