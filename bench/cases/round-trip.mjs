import { atMost, note } from '../lib/figures.mjs';
import { low } from '../lib/frames.mjs';
import { CORES } from './throughput.mjs';

const CALLS = { calls: 20_000, warmUp: 5_000 };
const METRICS = [low('p50', 'p50 µs'), low('p99', 'p99 µs')];

function roundTripCase(name, title, own, rivals) {
  const config = (system, workers) => ({
    label: system,
    program: system === 'ping-pong' ? 'ping-pong' : 'round-trip',
    parameters: { system, workers, body: 'noop', ...CALLS },
  });
  return {
    name,
    title,
    metrics: METRICS,
    configs: [config(own, CORES), ...rivals.map((rival) => config(rival, 1))],
    figures(measures) {
      const ratio = (rival, metric) => measures.median(own, metric) / measures.median(rival, metric);
      return [
        atMost(0.85, 'p50: mobula ÷ ping-pong', ratio('ping-pong', 'p50')),
        atMost(1, 'p99: mobula ÷ ping-pong', ratio('ping-pong', 'p99')),
        note(`p50: mobula ÷ ${rivals[1]}`, ratio(rivals[1], 'p50')),
      ];
    },
  };
}

export const roundTripCases = [
  roundTripCase('round-trip', 'one no-op task at a time', 'mobula', [
    'ping-pong',
    'bare',
    'piscina',
    'tinypool',
    'workerpool',
    'poolifier',
  ]),
  roundTripCase('actor-round-trip', 'one actor call at a time', 'mobula actor', ['ping-pong', 'bare object']),
];
