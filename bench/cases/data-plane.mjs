import { atLeast, note } from '../lib/figures.mjs';

const systems = ['bare', 'store', 'tls'];

export const dataPlaneCases = [
  {
    name: 'data-plane',
    title:
      '1 GiB from store to store over TCP between two processes; a bare Rust program with the same stream, checksums and buffers',
    metrics: [
      { key: 'fresh', name: 'GB/s, fresh pages', better: 'high' },
      { key: 'unmapped', name: 'warm, not mapped yet', better: 'high' },
      { key: 'warm', name: 'warm', better: 'high' },
      { key: 'again', name: 'once more', better: 'high' },
    ],
    configs: systems.map((system) => ({ label: system, program: 'data-plane', parameters: { system } })),
    figures(measures) {
      const ratio = (system, metric) => measures.median(system, metric) / measures.median('bare', metric);
      return [
        atLeast(0.9, 'warm: store ÷ bare', ratio('store', 'warm')),
        atLeast(0.9, 'fresh: store ÷ bare', ratio('store', 'fresh')),
        note('warm, not mapped yet: store ÷ bare', ratio('store', 'unmapped')),
        note('once more, checksums known: store ÷ bare', ratio('store', 'again')),
        note('warm: TLS ÷ bare', ratio('tls', 'warm')),
      ];
    },
  },
];
