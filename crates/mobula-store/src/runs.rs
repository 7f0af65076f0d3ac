use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// How many runs are looked at for one that has an aligned place.
const FEW: usize = 16;

/// A set of pages, kept as runs that do not touch, found by position and by length.
///
/// Every operation takes O(log runs), and `remove` in addition the runs that it meets.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// First page to length.
    by_start: BTreeMap<u32, u32>,
    /// The same runs as (length, first page).
    by_length: BTreeSet<(u32, u32)>,
    pages: u32,
}

impl Runs {
    /// How many pages the set has.
    pub(crate) fn pages(&self) -> u32 {
        self.pages
    }

    /// Adds pages, none of which is in the set.
    pub(crate) fn insert(&mut self, pages: &Range<u32>) {
        if pages.is_empty() {
            return;
        }
        let Range { mut start, mut end } = pages.clone();
        debug_assert!(
            self.overlaps(pages).next().is_none(),
            "{pages:?} is in the set already"
        );
        if let Some(before) = self.run_at_or_before(start).filter(|run| run.end == start) {
            self.unlink(&before);
            start = before.start;
        }
        if let Some(&after) = self.by_start.get(&end) {
            let after = end..end + after;
            self.unlink(&after);
            end = after.end;
        }
        self.link(&(start..end));
    }

    /// Takes out those of `pages` that are in the set, and returns them in order.
    pub(crate) fn remove(&mut self, pages: &Range<u32>) -> Vec<Range<u32>> {
        let runs: Vec<_> = self.overlaps(pages).collect();
        runs.into_iter()
            .map(|run| {
                self.unlink(&run);
                let taken = run.start.max(pages.start)..run.end.min(pages.end);
                self.link(&(run.start..taken.start));
                self.link(&(taken.end..run.end));
                taken
            })
            .collect()
    }

    /// How many of `pages` are in the set.
    pub(crate) fn count(&self, pages: &Range<u32>) -> u32 {
        self.overlaps(pages)
            .map(|run| run.end.min(pages.end) - run.start.max(pages.start))
            .sum()
    }

    /// The first `length` pages of the shortest run that has as many, the first of equals; those that begin at a multiple
    /// of `align` before others, if one of the first few runs has such.
    pub(crate) fn best_fit(&self, length: u32, align: u32) -> Option<Range<u32>> {
        let mut runs = self.by_length.range((length, 0)..);
        let aligned = runs.clone().take(FEW).find_map(|&(has, start)| {
            let at = start.checked_next_multiple_of(align)?;
            (at - start <= has - length).then_some(at..at + length)
        });
        aligned.or_else(|| runs.next().map(|&(_, start)| start..start + length))
    }

    /// The run that lies last.
    pub(crate) fn last(&self) -> Option<Range<u32>> {
        self.by_start
            .last_key_value()
            .map(|(&start, &length)| start..start + length)
    }

    fn overlaps(&self, pages: &Range<u32>) -> impl Iterator<Item = Range<u32>> {
        let from = self
            .run_at_or_before(pages.start)
            .map_or(pages.start, |run| run.start);
        let (start, end) = (pages.start, pages.end);
        let runs = self
            .by_start
            .range(from..end.max(from))
            .map(|(&start, &length)| start..start + length);
        runs.filter(move |run| run.end > start && run.start < end)
    }

    fn run_at_or_before(&self, page: u32) -> Option<Range<u32>> {
        self.by_start
            .range(..=page)
            .next_back()
            .map(|(&start, &length)| start..start + length)
    }

    fn link(&mut self, run: &Range<u32>) {
        let length = run.end - run.start;
        if length > 0 {
            self.by_start.insert(run.start, length);
            self.by_length.insert((length, run.start));
            self.pages += length;
        }
    }

    fn unlink(&mut self, run: &Range<u32>) {
        let length = run.end - run.start;
        self.by_start.remove(&run.start);
        self.by_length.remove(&(length, run.start));
        self.pages -= length;
    }
}
