//! How much memory the store may hold, as far as the system's limits go.

use std::time::{Duration, Instant};

/// How long what was read about the system's memory is believed.
pub(crate) const SAMPLE_LIFE: Duration = Duration::from_millis(100);
/// The same when it says that there is no room, or the store has grown much since.
pub(crate) const FRESH: Duration = Duration::from_millis(5);
/// How many pages are not much: 4 MiB.
const FEW: u64 = 1 << 10;
/// How long a low is remembered, at least.
const MEMORY: Duration = Duration::from_secs(2);

/// What the system's memory leaves to the store. It changes with what others take, above all the heaps of this process,
/// whose garbage comes and goes by tens of megabytes.
#[derive(Debug)]
pub(crate) struct Ceiling {
    now: u64,
    /// The lowest since `since`, and in the time before that.
    lows: [u64; 2],
    since: Instant,
    at: Instant,
    /// Holding more than this, the store asks again: what the process takes besides grows with what is stored.
    believed: u64,
    /// The memory limit that it comes from, in bytes.
    pub(crate) limit: u64,
}

/// Which ceiling counts.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Measure {
    /// The lowest of the last seconds: while buffers can be evicted instead, room is left for what comes and goes.
    Lately,
    /// The one of this moment: refusing a buffer takes a better reason than what was.
    Now,
}

impl Ceiling {
    /// `filled` pages were held when the system had room for `room` more, or for `-room` fewer.
    pub(crate) fn new(filled: u32, room: i64, limit: u64, at: Instant) -> Self {
        let filled = u64::from(filled);
        let now = filled.saturating_add_signed(room);
        Self {
            now,
            lows: [now, now],
            since: at,
            at,
            believed: filled + (now.saturating_sub(filled) / 4).max(FEW),
            limit,
        }
    }

    /// The same, after what `self` knew.
    pub(crate) fn then(self, filled: u32, room: i64, limit: u64, at: Instant) -> Self {
        let new = Self::new(filled, room, limit, at);
        let [low, before] = self.lows;
        if at.saturating_duration_since(self.since) < MEMORY {
            let lows = [low.min(new.now), before];
            let since = self.since;
            Self { lows, since, ..new }
        } else {
            let lows = [new.now, low];
            Self { lows, ..new }
        }
    }

    /// The most pages that may be held.
    pub(crate) fn pages(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Lately => self.lows[0].min(self.lows[1]),
            Measure::Now => self.now,
        }
    }

    /// Whether it still tells if `held` pages are too many.
    pub(crate) fn is_believed(&self, held: u64, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.at);
        age < FRESH || (age < SAMPLE_LIFE && held <= self.believed)
    }

    /// Whether a refusal may rest on it.
    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < FRESH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_believed_for_a_while_or_until_the_store_has_grown() {
        let at = Instant::now();
        let ceiling = Ceiling::new(100, 8 * FEW.cast_signed(), 0, at);
        assert!(ceiling.is_believed(100 + 2 * FEW, at + FRESH));
        assert!(!ceiling.is_believed(101 + 2 * FEW, at + FRESH));
        assert!(ceiling.is_believed(101 + 2 * FEW, at));
        assert!(!ceiling.is_believed(100, at + SAMPLE_LIFE));
        assert!(ceiling.is_fresh(at) && !ceiling.is_fresh(at + FRESH));
    }

    #[test]
    fn the_lowest_is_remembered_for_two_to_four_seconds() {
        let start = Instant::now();
        let mut ceiling = Ceiling::new(100, 50, 0, start);
        let mut pages = |seconds, room| {
            let old = std::mem::replace(&mut ceiling, Ceiling::new(0, 0, 0, start));
            ceiling = old.then(100, room, 0, start + Duration::from_secs(seconds));
            (ceiling.pages(Measure::Lately), ceiling.pages(Measure::Now))
        };
        assert_eq!(pages(1, -20), (80, 80));
        assert_eq!(pages(1, 40), (80, 140));
        assert_eq!(pages(2, 60), (80, 160));
        assert_eq!(pages(3, 70), (80, 170));
        assert_eq!(pages(4, 80), (160, 180));
        assert_eq!(pages(5, -200), (0, 0));
    }
}
