//! Nothing: the benchmarks are in `benches/`, run by `npm run bench:rust`.
