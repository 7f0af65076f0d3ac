//! Runs models under shuttle's scheduler.

use std::io::Write;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

/// Preemptions at chosen places that a bug may need: PCT finds one that needs so many with a known probability.
const DEPTH: usize = 3;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Runs `model` in `MOBULA_SHUTTLE_ITERATIONS` orders, most of them of PCT's choice and a quarter at random, from
/// `MOBULA_SHUTTLE_SEED` on, and says so. A failure prints the schedule that leads to it.
///
/// # Panics
/// When the model does.
pub fn check(name: &str, model: fn()) {
    let seed = number("MOBULA_SHUTTLE_SEED", 1);
    let iterations = number("MOBULA_SHUTTLE_ITERATIONS", 1000);
    // Not captured by the test harness: which orders were run is part of the result.
    let _ = writeln!(std::io::stdout(), "{name}: {iterations} orders, seed {seed}");
    let random = iterations / 4;
    let pct = PctScheduler::new_from_seed(seed, DEPTH, (iterations - random) as usize);
    Runner::new(pct, Config::new()).run(model);
    let random = RandomScheduler::new_from_seed(seed, random as usize);
    Runner::new(random, Config::new()).run(model);
}
