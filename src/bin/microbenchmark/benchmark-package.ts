import benchmark from 'benchmark';
import lodash from 'lodash';

/**
 * The class of the `benchmark` package. The package looks for lodash by a `require` that no bundler sees and gives half
 * of itself when there is none, so it is handed over.
 */
export const Benchmark = benchmark.runInContext({ _: lodash }) as typeof benchmark;
