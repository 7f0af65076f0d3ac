use std::ops::Range;

use mobula_shm::huge_pages;

use crate::runs::Runs;

/// Which pages of one arena are free, and which of those are *warm*: they have memory already, so that taking
/// them is many times cheaper than taking *cold* ones.
///
/// It only keeps books. A page is free or taken; a free page is warm or cold; what the memory of a taken page
/// is like is its taker's business, who says so when giving it back.
#[derive(Debug)]
pub(crate) struct PageAllocator {
    free: Runs,
    /// A subset of `free`.
    warm: Runs,
}

/// Where an allocation would go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fit {
    pub(crate) pages: Range<u32>,
    /// How many of them are cold.
    pub(crate) cold: u32,
}

/// Taken pages of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Piece {
    pub(crate) pages: Range<u32>,
    pub(crate) warm: bool,
}

impl PageAllocator {
    /// All of `pages` pages are free and cold.
    pub(crate) fn new(pages: u32) -> Self {
        let mut free = Runs::default();
        free.insert(&(0..pages));
        Self {
            free,
            warm: Runs::default(),
        }
    }

    /// How many free pages are warm.
    pub(crate) fn free_warm(&self) -> u32 {
        self.warm.pages()
    }

    /// The best place for `length` adjacent pages: in the shortest warm run they fit in, else at the low end of
    /// the shortest free run they fit in. Of equals the one at the lowest address. Many pages begin where a huge page
    /// can, if there is room for that.
    pub(crate) fn fit(&self, length: u32) -> Option<Fit> {
        let align = if length < huge_pages() { 1 } else { huge_pages() };
        if let Some(pages) = self.warm.best_fit(length, align) {
            return Some(Fit { pages, cold: 0 });
        }
        let pages = self.free.best_fit(length, align)?;
        let cold = length - self.warm.count(&pages);
        Some(Fit { pages, cold })
    }

    /// Takes free pages, and says in order what they are like.
    pub(crate) fn take(&mut self, pages: &Range<u32>) -> Vec<Piece> {
        let taken = self.free.remove(pages);
        debug_assert!(
            matches!(&taken[..], [run] if run == pages),
            "only free pages can be taken"
        );
        let mut pieces = Vec::new();
        let mut at = pages.start;
        for run in self.warm.remove(pages) {
            if at < run.start {
                pieces.push(Piece {
                    pages: at..run.start,
                    warm: false,
                });
            }
            at = run.end;
            pieces.push(Piece {
                pages: run,
                warm: true,
            });
        }
        if at < pages.end {
            pieces.push(Piece {
                pages: at..pages.end,
                warm: false,
            });
        }
        pieces
    }

    /// Gives taken pages back.
    pub(crate) fn give(&mut self, piece: &Piece) {
        self.free.insert(&piece.pages);
        if piece.warm {
            self.warm.insert(&piece.pages);
        }
    }

    /// Takes up to `most` free warm pages, those at the highest address, to be made cold.
    pub(crate) fn take_warm(&mut self, most: u32) -> Option<Range<u32>> {
        let run = self.warm.last().filter(|_| most > 0)?;
        let pages = run.end - most.min(run.end - run.start)..run.end;
        self.take(&pages);
        Some(pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Copy, Clone, PartialEq, Eq, Debug)]
    enum Page {
        Cold,
        Warm,
        Taken,
    }

    /// The allocator as a list of pages, searched from end to end.
    struct Model(Vec<Page>);

    impl Model {
        fn runs(&self, belongs: impl Fn(Page) -> bool) -> Vec<Range<u32>> {
            let mut runs: Vec<Range<u32>> = Vec::new();
            for (index, &page) in self.0.iter().enumerate().filter(|&(_, &page)| belongs(page)) {
                let index = u32::try_from(index).unwrap();
                let _ = page;
                match runs.last_mut() {
                    Some(run) if run.end == index => run.end += 1,
                    _ => runs.push(index..index + 1),
                }
            }
            runs
        }

        fn fit(&self, length: u32) -> Option<Fit> {
            let best = |runs: Vec<Range<u32>>| {
                let fitting = runs.into_iter().filter(|run| run.end - run.start >= length);
                fitting
                    .min_by_key(|run| (run.end - run.start, run.start))
                    .map(|run| run.start..run.start + length)
            };
            let pages = best(self.runs(|page| page == Page::Warm))
                .or_else(|| best(self.runs(|page| page != Page::Taken)))?;
            let cold = self
                .slice(&pages)
                .iter()
                .filter(|&&page| page == Page::Cold)
                .count();
            Some(Fit {
                pages,
                cold: u32::try_from(cold).unwrap(),
            })
        }

        fn slice(&self, pages: &Range<u32>) -> &[Page] {
            &self.0[pages.start as usize..pages.end as usize]
        }

        fn set(&mut self, pages: &Range<u32>, page: Page) {
            self.0[pages.start as usize..pages.end as usize].fill(page);
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Take(u32),
        Give { which: usize, warm: bool, cut: u32 },
        Trim(u32),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
          3 => (1..20_u32).prop_map(Step::Take),
          3 => (any::<usize>(), any::<bool>(), 0..20_u32)
            .prop_map(|(which, warm, cut)| Step::Give { which, warm, cut }),
          1 => (0..30_u32).prop_map(Step::Trim),
        ];
        proptest::collection::vec(step, 1..120)
    }

    proptest! {
      #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
      #[test]
      fn it_places_as_the_model_does_and_never_gives_a_page_twice(steps in steps()) {
        const PAGES: u32 = 150;
        let mut allocator = PageAllocator::new(PAGES);
        let mut model = Model(vec![Page::Cold; PAGES as usize]);
        let mut held: Vec<Range<u32>> = Vec::new();
        for step in steps {
          match step {
            Step::Take(length) => {
              let fit = allocator.fit(length);
              prop_assert_eq!(&fit, &model.fit(length));
              let Some(Fit { pages, .. }) = fit else { continue };
              let mut at = pages.start;
              for Piece { pages: piece, warm } in allocator.take(&pages) {
                prop_assert_eq!(piece.start, at);
                at = piece.end;
                let kind = if warm { Page::Warm } else { Page::Cold };
                prop_assert!(model.slice(&piece).iter().all(|&page| page == kind));
              }
              prop_assert_eq!(at, pages.end);
              model.set(&pages, Page::Taken);
              held.push(pages);
            }
            Step::Give { which, warm, cut } if !held.is_empty() => {
              let pages = held.swap_remove(which % held.len());
              // In two pieces, of which the second is always cold.
              let cut = pages.start + cut.min(pages.end - pages.start);
              for (pages, warm) in [(pages.start..cut, warm), (cut..pages.end, false)] {
                model.set(&pages, if warm { Page::Warm } else { Page::Cold });
                allocator.give(&Piece { pages, warm });
              }
            }
            Step::Give { .. } => {}
            Step::Trim(most) => {
              let last = model.runs(|page| page == Page::Warm).pop().filter(|_| most > 0);
              let taken = allocator.take_warm(most);
              prop_assert_eq!(&taken, &last.map(|run| run.end.saturating_sub(most).max(run.start)..run.end));
              if let Some(pages) = taken {
                model.set(&pages, Page::Taken);
                held.push(pages);
              }
            }
          }
          let warm = model.0.iter().filter(|&&page| page == Page::Warm).count();
          prop_assert_eq!(allocator.free_warm() as usize, warm);
        }
        // Everything given back is one run again.
        for pages in held {
          allocator.give(&Piece { pages, warm: false });
        }
        prop_assert_eq!(allocator.free.best_fit(PAGES, 1), Some(0..PAGES));
      }
    }
}
