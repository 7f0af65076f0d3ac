//! What an attempt brings with it besides the time of its batch: a mean in which the last attempts count most.

use mobula_sync::atomic::{AtomicU64, Ordering};

/// Of more attempts than this, the older ones count for less and less.
const MEMORY: u64 = 64;

/// Nanoseconds, and how many attempts brought them. Written by all threads, roughly.
#[derive(Debug, Default)]
pub(crate) struct PerAttempt {
    nanoseconds: AtomicU64,
    attempts: AtomicU64,
}

impl PerAttempt {
    /// There were so many more attempts, and what they brought has been added.
    pub(crate) fn count(&self, attempts: u64) {
        let all = self.attempts.load(Ordering::Relaxed) + attempts;
        if all <= MEMORY {
            self.attempts.store(all, Ordering::Relaxed);
            return;
        }
        let before = self.nanoseconds.load(Ordering::Relaxed);
        let kept = u128::from(before) * u128::from(MEMORY) / u128::from(all);
        self.nanoseconds.store(kept as u64, Ordering::Relaxed);
        self.attempts.store(MEMORY, Ordering::Relaxed);
    }

    /// One of them brings so much more.
    pub(crate) fn add(&self, nanoseconds: u64) {
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// What one brings.
    pub(crate) fn mean(&self) -> u32 {
        let attempts = self.attempts.load(Ordering::Relaxed).max(1);
        let mean = self.nanoseconds.load(Ordering::Relaxed) / attempts;
        u32::try_from(mean).unwrap_or(u32::MAX)
    }

    /// Whether none has brought anything yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.nanoseconds.load(Ordering::Relaxed) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_bring_is_shared_out_among_them() {
        let brought = PerAttempt::default();
        assert!(brought.is_empty() && brought.mean() == 0);
        brought.add(300);
        brought.add(100);
        brought.count(4);
        assert_eq!(brought.mean(), 100);
    }

    #[test]
    fn the_last_attempts_count_most() {
        let brought = PerAttempt::default();
        for _ in 0..1_000 {
            brought.add(10_000);
            brought.count(1);
        }
        assert!((9_900..=10_100).contains(&brought.mean()), "{}", brought.mean());
        brought.add(20_000 * 1_000);
        brought.count(1_000);
        assert!((19_000..20_000).contains(&brought.mean()), "{}", brought.mean());
        // A batch that brings nothing, and another.
        brought.count(128);
        assert!(brought.mean() < 7_000, "{}", brought.mean());
        brought.count(128);
        assert!(brought.mean() < 2_400, "{}", brought.mean());
    }

    #[test]
    fn nothing_overflows() {
        let brought = PerAttempt::default();
        brought.count(1);
        brought.add(u64::MAX / 2);
        assert_eq!(brought.mean(), u32::MAX);
        brought.count(u64::from(u32::MAX));
        assert!(!brought.is_empty());
    }
}
