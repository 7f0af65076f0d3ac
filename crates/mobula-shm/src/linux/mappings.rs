use std::fs;
use std::sync::Arc;

use mobula_sync::atomic::{AtomicU32, Ordering};

/// The part of the system's limit that is left to the rest of the process, as a divisor: V8 ends the process when it gets no
/// mapping for its heap, its code or the stack of a thread.
const RESERVE: u32 = 4;
/// What the kernel allows a process by default.
const USUAL: u32 = 65_530;

/// How many mappings there may be, and how many there are.
#[derive(Debug)]
pub struct Mappings {
    most: u32,
    count: AtomicU32,
}

impl Mappings {
    /// At most `most`; by default three quarters of what the system allows a process (`vm.max_map_count`).
    #[must_use]
    pub fn new(most: Option<u32>) -> Arc<Self> {
        let most = most.unwrap_or_else(|| {
            let limit = fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default();
            let limit: u64 = limit.trim().parse().unwrap_or(USUAL.into());
            let limit = u32::try_from(limit).unwrap_or(u32::MAX);
            limit - limit / RESERVE
        });
        Arc::new(Self {
            most,
            count: AtomicU32::new(0),
        })
    }

    /// How many there may be.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.most
    }

    /// Whether there may not be `more`.
    #[must_use]
    pub fn are_used_up(&self, more: u32) -> bool {
        self.count.load(Ordering::Relaxed).saturating_add(more) > self.most
    }

    /// Counts `more`, unless they are too many.
    pub(super) fn add(self: &Arc<Self>, more: u32) -> Option<Share> {
        let room = |count: u32| count.checked_add(more).filter(|&count| count <= self.most);
        self.count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, room)
            .ok()?;
        Some(Share {
            of: Arc::clone(self),
            count: more,
        })
    }
}

/// Mappings that are counted until this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    of: Arc<Mappings>,
    count: u32,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.count.fetch_sub(self.count, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_what_the_system_allows_is_left_to_others() {
        let limit: u32 = fs::read_to_string("/proc/sys/vm/max_map_count")
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        assert_eq!(Mappings::new(None).most(), limit - limit / 4);
    }

    #[test]
    fn shares_are_given_until_there_are_as_many_as_may_be() {
        let mappings = Mappings::new(Some(3));
        let two = mappings.add(2).unwrap();
        assert!(mappings.add(2).is_none() && mappings.are_used_up(2) && !mappings.are_used_up(1));
        let one = mappings.add(1).unwrap();
        assert!(mappings.are_used_up(1));
        drop(two);
        assert!(mappings.add(3).is_none());
        drop(one);
        assert!(mappings.add(3).is_some());
    }
}
