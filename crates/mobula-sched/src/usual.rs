//! What an attempt of a function usually takes, for the choice whether others are to run its tasks.

use mobula_sync::atomic::{AtomicU32, Ordering};

/// Of so many of the last samples, the middle one counts: a thread that had to wait for a CPU makes a short task look long, and the
/// first attempts take longer.
const SAMPLES: usize = 7;
/// Fewer tell something only if attempts have run for so many nanoseconds in all.
const ENOUGH_NANOSECONDS: u32 = 50_000_000;

/// The last samples, and what was seen of an attempt that goes on. Written by workers and the watchdog, roughly.
#[derive(Debug, Default)]
pub(crate) struct Usual {
    /// Nanoseconds, at least 1; 0 = not taken yet.
    samples: [AtomicU32; SAMPLES],
    taken: AtomicU32,
    /// Nanoseconds in all samples.
    seen: AtomicU32,
    /// For how long an attempt has run that had not ended when it was looked at; 0 since one has.
    going: AtomicU32,
}

impl Usual {
    /// Attempts took so long.
    pub(crate) fn learn(&self, nanoseconds: u32) {
        let taken = self.taken.load(Ordering::Relaxed);
        self.samples[taken as usize % SAMPLES].store(nanoseconds.max(1), Ordering::Relaxed);
        // After 2^32 samples it goes on where they are enough, too.
        let next = taken.checked_add(1).unwrap_or(SAMPLES as u32);
        self.taken.store(next, Ordering::Relaxed);
        if taken < SAMPLES as u32 {
            let seen = self.seen.load(Ordering::Relaxed);
            self.seen
                .store(seen.saturating_add(nanoseconds), Ordering::Relaxed);
            self.going.store(0, Ordering::Relaxed);
        }
    }

    /// Whether there are all samples.
    pub(crate) fn is_known(&self) -> bool {
        self.taken.load(Ordering::Relaxed) >= SAMPLES as u32
    }

    /// An attempt has run for so long, and still does.
    pub(crate) fn goes_on(&self, nanoseconds: u32) {
        self.going.store(nanoseconds, Ordering::Relaxed);
    }

    /// For how long the attempt has run that goes on.
    pub(crate) fn going(&self) -> Option<u32> {
        Some(self.going.load(Ordering::Relaxed)).filter(|&going| going > 0)
    }

    /// What an attempt takes, if that can be told.
    pub(crate) fn nanoseconds(&self) -> Option<u32> {
        let mut samples = self
            .samples
            .each_ref()
            .map(|sample| sample.load(Ordering::Relaxed));
        samples.sort_unstable();
        let there = &samples[samples.partition_point(|&sample| sample == 0)..];
        let middle = there.get(there.len().saturating_sub(1) / 2).copied();
        if self.is_known() {
            return middle;
        }
        let going = self.going().unwrap_or(0);
        let seen = self.seen.load(Ordering::Relaxed).saturating_add(going);
        (seen >= ENOUGH_NANOSECONDS).then(|| middle.unwrap_or(0).max(going))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(samples: &[u32]) -> Usual {
        let usual = Usual::default();
        for &sample in samples {
            usual.learn(sample);
        }
        usual
    }

    #[test]
    fn the_middle_of_the_last_samples_counts() {
        let long = 8_000_000;
        assert_eq!(usual(&[long, long, long, 50, 20, 30, 40]).nanoseconds(), Some(50));
        assert_eq!(usual(&[9, 9, 2, 2, 2, long, 2, long, 2]).nanoseconds(), Some(2));
        assert_eq!(
            usual(&[2, 2, 2, 2, 2, 2, 2, 50, 60, 70, 80]).nanoseconds(),
            Some(50)
        );
    }

    #[test]
    fn little_tells_nothing_unless_it_took_long() {
        assert_eq!(usual(&[]).nanoseconds(), None);
        assert_eq!(usual(&[8_000_000, 2, 2, 2, 2, 2]).nanoseconds(), None);
        assert_eq!(usual(&[60_000_000]).nanoseconds(), Some(60_000_000));
        let first = usual(&[]);
        first.goes_on(49_000_000);
        assert_eq!(first.nanoseconds(), None);
        first.goes_on(50_000_000);
        assert_eq!(first.nanoseconds(), Some(50_000_000));
        first.learn(51_000_000);
        assert_eq!((first.going(), first.nanoseconds()), (None, Some(51_000_000)));
        let third = usual(&[20_000_000, 20_000_000]);
        third.goes_on(11_000_000);
        assert_eq!(third.nanoseconds(), Some(20_000_000), "51 ms in all");
    }
}
