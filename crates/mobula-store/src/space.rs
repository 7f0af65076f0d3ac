use std::ops::Range;
use std::time::Instant;

use mobula_shm::huge_pages;

use crate::ceiling::{Ceiling, Measure};
use crate::error::Bound;
use crate::pages::{Fit, PageAllocator, Piece};

/// The arenas of a store. There are two because the kernel lets only one thread at a time allocate pages of
/// one file: large buffers that need fresh pages get half from each, filled by two threads.
pub(crate) const LANES: usize = 2;

/// From how many pages on work is worth a second thread: starting one takes as long as about 50 fresh pages.
pub(crate) const HEAVY: u32 = 1024;

/// Adjacent pages of one lane.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Extent {
    pub(crate) lane: usize,
    pub(crate) pages: Range<u32>,
}

/// Taken pages, in the order of the content they are for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Segment {
    pub(crate) lane: usize,
    pub(crate) piece: Piece,
}

/// The books of the pages of all lanes. All counts are in pages.
///
/// 1. `used <= capacity`; it grows only as far as `used + small <= capacity`.
/// 2. Memory held is `used` + free warm pages + `cooling`; without `cooling` it is at most `capacity`.
/// 3. It grows only as far as `ceiling`, which keeps the process off its memory limit.
#[derive(Debug)]
pub(crate) struct Space {
    lanes: [PageAllocator; LANES],
    capacity: u32,
    used: u32,
    /// What values that are no buffers take of the capacity.
    small: u32,
    /// The part of `used` that has no memory yet.
    unfilled: u32,
    /// Warm pages on their way back to the system.
    cooling: u32,
    ceiling: Option<Ceiling>,
}

/// The answer to a request for pages.
#[derive(Debug)]
pub(crate) enum Grant {
    /// They are the caller's; `cool` must go back to the system before the cold ones of them are filled.
    Taken {
        segments: Vec<Segment>,
        cool: Vec<Extent>,
    },
    /// Something must go first.
    NoRoom(Bound),
    /// It depends on the system's memory: call [`Space::set_ceiling`], then ask again.
    AskSystem,
}

impl Space {
    /// `addresses`: how many pages each lane can name.
    pub(crate) fn new(capacity: u32, addresses: u32) -> Self {
        let lanes = std::array::from_fn(|_| PageAllocator::new(addresses));
        Self {
            lanes,
            capacity,
            used: 0,
            small: 0,
            unfilled: 0,
            cooling: 0,
            ceiling: None,
        }
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Values that are no buffers take as much as so many pages.
    pub(crate) fn set_small(&mut self, pages: u32) {
        self.small = pages.min(self.capacity);
    }

    pub(crate) fn small(&self) -> u32 {
        self.small
    }

    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    /// Memory held, pages on their way in and out included.
    pub(crate) fn held(&self) -> u32 {
        self.used + self.free_warm() + self.cooling
    }

    /// Memory held as the system knows it, at least.
    pub(crate) fn filled(&self) -> u32 {
        self.held() - self.unfilled
    }

    /// Sets how much may be held: `filled`, which was held before the system was asked, and `room` more; fewer if that is
    /// negative.
    pub(crate) fn set_ceiling(&mut self, filled: u32, room: i64, limit: u64, at: Instant) {
        self.ceiling = Some(match self.ceiling.take() {
            Some(ceiling) => ceiling.then(filled, room, limit, at),
            None => Ceiling::new(filled, room, limit, at),
        });
    }

    /// Takes `length` pages, if that breaks no bound. `split`: in halves, where they are fresh and many.
    pub(crate) fn take(&mut self, length: u32, split: bool, measure: Measure, now: Instant) -> Grant {
        let fits = match self.fits(length, split) {
            Some(fits) if length <= self.capacity.saturating_sub(self.used + self.small) => fits,
            _ => return Grant::NoRoom(Bound::Capacity),
        };
        let cold: u32 = fits.iter().map(|(_, fit)| fit.cold).sum();
        // Pages that are free, warm and of no use here can pay for those that are cold.
        let spare = self.free_warm() - (length - cold);
        let after = self.held() - self.cooling + cold;
        let mut excess = after.saturating_sub(self.capacity - self.small);
        if cold > 0 {
            let believed = |ceiling: &&Ceiling| ceiling.is_believed(after.into(), now);
            let Some(ceiling) = self.ceiling.as_ref().filter(believed) else {
                return Grant::AskSystem;
            };
            let above = u64::from(after)
                .saturating_sub(ceiling.pages(measure))
                .min(u64::from(cold)) as u32;
            if above > spare {
                return if ceiling.is_fresh(now) {
                    Grant::NoRoom(Bound::Memory(ceiling.limit))
                } else {
                    Grant::AskSystem
                };
            }
            excess = excess.max(above);
        }
        let segments = fits.iter().flat_map(|(lane, fit)| {
            let pieces = self.lanes[*lane].take(&fit.pages);
            pieces.into_iter().map(|piece| Segment { lane: *lane, piece })
        });
        let segments = segments.collect();
        self.used += length;
        self.unfilled += cold;
        Grant::Taken {
            segments,
            cool: self.take_warm(excess),
        }
    }

    /// Whether evicting can ever make room for `length` pages while only `evictable` pages can go.
    pub(crate) fn is_attainable(&self, length: u32, evictable: u32, bound: Bound, measure: Measure) -> bool {
        // With what small values take too much, as that has to be evicted too.
        let taken = u64::from(self.used) + u64::from(self.small);
        let length = u64::from(length) + taken.saturating_sub(self.capacity.into());
        let evictable = u64::from(evictable);
        let free = u64::from(self.capacity).saturating_sub(taken);
        let room = match (bound, &self.ceiling) {
            (Bound::Memory(_), Some(ceiling)) => (ceiling.pages(measure).saturating_sub(self.held().into())
                + u64::from(self.free_warm()))
            .min(free),
            _ => free,
        };
        length <= room + evictable
    }

    /// The pages taken as cold have memory now.
    pub(crate) fn filled_cold(&mut self, segments: &[Segment]) {
        self.unfilled -= cold_pages(segments);
    }

    /// So many of the pages taken as cold have memory now.
    pub(crate) fn count_filled(&mut self, pages: u32) {
        self.unfilled -= pages;
    }

    /// Takes back what was [counted](Self::count_filled): the pages are given back as those that were never filled.
    pub(crate) fn count_unfilled(&mut self, pages: u32) {
        self.unfilled += pages;
    }

    /// Takes back pages that no buffer got, and whether each segment has memory now: what was in it may still be there.
    pub(crate) fn give_unfilled(&mut self, segments: &[(&Segment, bool)]) {
        for &(Segment { lane, piece }, warm) in segments {
            let length = piece.pages.len() as u32;
            self.used -= length;
            if !piece.warm {
                self.unfilled -= length;
            }
            self.lanes[*lane].give(&Piece {
                pages: piece.pages.clone(),
                warm,
            });
        }
    }

    /// Takes back pages that have memory.
    pub(crate) fn give(&mut self, extent: &Extent) {
        self.used -= extent.pages.len() as u32;
        self.lanes[extent.lane].give(&Piece {
            pages: extent.pages.clone(),
            warm: true,
        });
    }

    /// The pages of `cool` went back to the system, or (`warm`) could not.
    pub(crate) fn cooled(&mut self, cool: &Extent, warm: bool) {
        self.cooling -= cool.pages.len() as u32;
        self.lanes[cool.lane].give(&Piece {
            pages: cool.pages.clone(),
            warm,
        });
    }

    /// Takes up to `most` free warm pages, to be given back to the system.
    pub(crate) fn take_warm(&mut self, most: u32) -> Vec<Extent> {
        let mut cool = Vec::new();
        let mut rest = most;
        for (lane, allocator) in self.lanes.iter_mut().enumerate().rev() {
            while let Some(pages) = allocator.take_warm(rest) {
                rest -= pages.len() as u32;
                self.cooling += pages.len() as u32;
                cool.push(Extent { lane, pages });
            }
        }
        cool
    }

    fn free_warm(&self) -> u32 {
        self.lanes.iter().map(PageAllocator::free_warm).sum()
    }

    /// Where `length` pages would go: all warm if possible, else where the fewest are cold.
    fn fits(&self, length: u32, split: bool) -> Option<Vec<(usize, Fit)>> {
        let fits = self
            .lanes
            .iter()
            .enumerate()
            .filter_map(|(lane, pages)| Some((lane, pages.fit(length)?)));
        let best = fits.min_by_key(|(lane, fit)| (fit.cold, *lane));
        if split && length >= HEAVY && best.as_ref().is_none_or(|(_, fit)| fit.cold >= HEAVY) {
            // The second half begins in a view where a huge page can, as it does in its lane.
            let first = length / 2 / huge_pages() * huge_pages();
            let halves = [first, length - first];
            let fits = halves
                .iter()
                .enumerate()
                .map(|(lane, &half)| Some((lane, self.lanes[lane].fit(half)?)));
            if let Some(fits) = fits.collect() {
                return Some(fits);
            }
        }
        best.map(|best| vec![best])
    }
}

pub(crate) fn cold_pages(segments: &[Segment]) -> u32 {
    segments
        .iter()
        .filter(|segment| !segment.piece.warm)
        .map(|segment| segment.piece.pages.len() as u32)
        .sum()
}

/// The extents that segments make up: one, or one in each lane.
pub(crate) fn extents(segments: &[Segment]) -> Vec<Extent> {
    let mut extents: Vec<Extent> = Vec::with_capacity(1);
    for Segment { lane, piece } in segments {
        match extents.last_mut() {
            Some(last) if last.lane == *lane && last.pages.end == piece.pages.start => {
                last.pages.end = piece.pages.end;
            }
            _ => extents.push(Extent {
                lane: *lane,
                pages: piece.pages.clone(),
            }),
        }
    }
    extents
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ceiling::{FRESH, SAMPLE_LIFE};

    const LIMIT: u64 = 1 << 30;

    /// A space that may hold `room` pages, as the system was asked at `at`.
    fn space(capacity: u32, room: i64, at: Instant) -> Space {
        let mut space = Space::new(capacity, capacity * 2);
        space.set_ceiling(0, room, LIMIT, at);
        space
    }

    fn taken(grant: Grant) -> (Vec<Extent>, u32, Vec<Extent>) {
        let Grant::Taken { segments, cool } = grant else {
            panic!("{grant:?}")
        };
        (extents(&segments), cold_pages(&segments), cool)
    }

    fn hold(space: &mut Space, length: u32, at: Instant) -> Vec<Extent> {
        let Grant::Taken { segments, cool } = space.take(length, false, Measure::Now, at) else {
            panic!("no room")
        };
        for extent in &cool {
            space.cooled(extent, false);
        }
        space.filled_cold(&segments);
        extents(&segments)
    }

    #[test]
    fn growing_asks_the_system_first_and_again_when_the_answer_is_old() {
        let start = Instant::now();
        let mut space = Space::new(10, 20);
        assert!(matches!(
            space.take(1, false, Measure::Now, start),
            Grant::AskSystem
        ));
        space.set_ceiling(0, 10, LIMIT, start);
        assert!(matches!(
            space.take(1, false, Measure::Now, start + SAMPLE_LIFE),
            Grant::AskSystem
        ));
        let held = hold(&mut space, 1, start);
        space.give(&held[0]);
        // What is warm takes no memory, so nobody need be asked.
        assert_eq!(
            taken(space.take(1, false, Measure::Now, start + SAMPLE_LIFE)).1,
            0
        );
    }

    #[test]
    fn a_refusal_is_checked_before_it_counts() {
        let start = Instant::now();
        let mut space = space(10, 4, start);
        assert!(matches!(
            space.take(5, false, Measure::Now, start + FRESH),
            Grant::AskSystem
        ));
        let refused = space.take(5, false, Measure::Now, start);
        assert!(
            matches!(refused, Grant::NoRoom(Bound::Memory(LIMIT))),
            "{refused:?}"
        );
        assert!(space.is_attainable(5, 1, Bound::Memory(LIMIT), Measure::Now));
        assert!(!space.is_attainable(6, 1, Bound::Memory(LIMIT), Measure::Now));
    }

    #[test]
    fn at_the_ceiling_scattered_warm_pages_pay_for_fresh_ones() {
        let start = Instant::now();
        let mut space = space(10, 4, start);
        let held: Vec<_> = (0..4).map(|_| hold(&mut space, 1, start).remove(0)).collect();
        space.give(&held[0]);
        space.give(&held[2]);
        let (_, cold, cool) = taken(space.take(2, false, Measure::Now, start));
        assert_eq!(
            cold - cool.iter().map(|extent| extent.pages.len() as u32).sum::<u32>(),
            0
        );
        for extent in &cool {
            space.cooled(extent, false);
        }
        assert_eq!((space.used(), space.held()), (4, 4));
        assert!(matches!(
            space.take(1, false, Measure::Now, start),
            Grant::NoRoom(Bound::Memory(_))
        ));
    }

    #[test]
    fn many_fresh_pages_come_from_both_lanes() {
        let start = Instant::now();
        let mut space = space(4 * HEAVY, 1 << 20, start);
        let (extents, ..) = taken(space.take(HEAVY + 1, true, Measure::Now, start));
        let halves: Vec<_> = extents
            .iter()
            .map(|extent| (extent.lane, extent.pages.len() as u32))
            .collect();
        assert_eq!(halves, [(0, HEAVY / 2), (1, HEAVY / 2 + 1)]);
        assert_eq!(
            taken(space.take(HEAVY + 1, false, Measure::Now, start)).0.len(),
            1
        );
    }
}
