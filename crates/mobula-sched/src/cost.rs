//! What an attempt of a function costs a node of a cluster: how long tasks of it wait, and whether others are to run them.

use mobula_sync::atomic::{AtomicU32, Ordering};

use crate::per_attempt::PerAttempt;
use crate::usual::Usual;

/// Written by workers and the watchdog, roughly. All times are nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    /// What its attempts take in their batches.
    batch: PerAttempt,
    /// What most of them take there.
    usual: Usual,
    /// What the tasks take that an attempt submits.
    children: PerAttempt,
    /// What the tasks take that those submit.
    grandchildren: PerAttempt,
    /// Thousandths of attempts that go on in the background.
    share: PerAttempt,
    /// For how long one of those has its thread's CPU there.
    background: PerAttempt,
    /// For how long one has had it that goes on; it counts until there is something in `background`.
    background_going: AtomicU32,
}

impl Cost {
    /// Attempts of one batch took so long each.
    pub(crate) fn learn(&self, each: u64, attempts: u32) {
        let attempts = u64::from(attempts);
        self.batch.add(each.saturating_mul(attempts));
        for each in [&self.batch, &self.children, &self.grandchildren, &self.share] {
            each.count(attempts);
        }
        self.usual.learn(each.min(u64::from(u32::MAX)) as u32);
    }

    /// An attempt has submitted a task of a function, which takes `unknown` if none has run.
    pub(crate) fn submits(&self, child: &Self, unknown: u32) {
        let each = if child.batch.is_empty() {
            unknown
        } else {
            child.batch.mean()
        };
        self.children.add(u64::from(each));
        self.grandchildren.add(u64::from(child.children.mean()));
    }

    /// An attempt goes on in the background.
    pub(crate) fn goes_to_background(&self) {
        self.share.add(1_000);
    }

    /// Attempts had their thread's CPU in the background for so long, and so many of them have ended.
    pub(crate) fn learn_background(&self, nanoseconds: u64, ended: u32) {
        self.background.add(nanoseconds);
        self.background.count(u64::from(ended));
    }

    /// One of the first attempts has gone on for so long, and still does.
    pub(crate) fn goes_on(&self, nanoseconds: u64) {
        if !self.usual.is_known() {
            self.usual.goes_on(nanoseconds.min(u64::from(u32::MAX)) as u32);
        }
    }

    /// An attempt has gone on for so long in the background, and still does.
    pub(crate) fn goes_on_in_background(&self, nanoseconds: u64) {
        let seen = nanoseconds.min(u64::from(u32::MAX)) as u32;
        self.background_going.store(seen, Ordering::Relaxed);
    }

    /// What an attempt costs, if any has run.
    pub(crate) fn mean(&self) -> Option<u32> {
        let batch = if self.batch.is_empty() {
            self.usual.going()
        } else {
            Some(self.batch.mean())
        };
        batch.map(|batch| batch.saturating_add(self.beside()))
    }

    /// What an attempt takes itself, if any has run.
    pub(crate) fn own(&self) -> Option<u32> {
        (!self.batch.is_empty()).then(|| self.batch.mean().saturating_add(self.background()))
    }

    /// What most attempts cost, if enough have run to tell.
    pub(crate) fn usual(&self) -> Option<u32> {
        let usual = self.usual.nanoseconds();
        usual.map(|usual| usual.saturating_add(self.beside()))
    }

    fn background(&self) -> u32 {
        let background = if self.background.is_empty() {
            self.background_going.load(Ordering::Relaxed)
        } else {
            self.background.mean()
        };
        let background = u64::from(background) * u64::from(self.share.mean()) / 1_000;
        u32::try_from(background).unwrap_or(u32::MAX)
    }

    fn beside(&self) -> u32 {
        let submitted = self.children.mean().saturating_add(self.grandchildren.mean());
        self.background().saturating_add(submitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function of which `attempts` took `each`, in batches of ten.
    fn took(each: u64, attempts: u32) -> Cost {
        let cost = Cost::default();
        (0..attempts / 10).for_each(|_| cost.learn(each, 10));
        cost
    }

    #[test]
    fn a_thread_that_lost_its_cpu_once_makes_no_function_long() {
        let cost = took(2_000, 1_000);
        cost.learn(1_000_000, 1);
        assert_eq!(cost.usual(), Some(2_000));
        assert!(cost.mean().is_some_and(|mean| mean < 20_000), "{:?}", cost.mean());
    }

    #[test]
    fn what_submits_tasks_costs_what_they_do_and_those_that_they_submit() {
        let leaf = took(2_000, 1_000);
        let (below, above) = (took(3_000, 100), took(3_000, 100));
        for (parent, child) in [(&below, &leaf), (&above, &below)] {
            for _ in 0..1_000 {
                (0..10).for_each(|_| parent.submits(child, 0));
                parent.learn(3_000, 1);
            }
        }
        let about = |cost: &Cost, wanted: u32| {
            let mean = cost.mean().unwrap_or(0);
            assert!(mean.abs_diff(wanted) < wanted / 20, "{mean}, not {wanted}");
        };
        about(&leaf, 2_000);
        about(&below, 3_000 + 10 * 2_000);
        about(&above, 3_000 + 10 * (3_000 + 10 * 2_000));
    }

    #[test]
    fn the_background_counts_as_often_as_attempts_go_there() {
        let cost = Cost::default();
        for _ in 0..100 {
            (0..5).for_each(|_| cost.goes_to_background());
            cost.learn(2_000, 10);
        }
        // However late they end, and however many at once.
        for _ in 0..100 {
            cost.learn_background(500 * 1_000, 500);
        }
        let usual = cost.usual().unwrap_or(0);
        assert!((2_490..=2_510).contains(&usual), "{usual}");
    }

    #[test]
    fn what_goes_on_in_the_background_counts_until_one_has_ended() {
        let cost = Cost::default();
        assert_eq!((cost.mean(), cost.usual()), (None, None));
        cost.goes_to_background();
        cost.learn(60_000_000, 1);
        cost.goes_on_in_background(9_000_000);
        assert_eq!(cost.mean(), Some(69_000_000));
        cost.learn_background(1_000_000, 1);
        assert_eq!(cost.mean(), Some(61_000_000));
    }
}
