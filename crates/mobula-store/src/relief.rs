//! Giving memory back while others need it.
//!
//! The store takes no memory while less than a tenth of a memory limit is free; but others go on taking, above all the
//! heaps of this very process. Where they leave less than a twentieth the kernel is about to kill, so the store gives until
//! there is a tenth again.

use std::time::Duration;

use crate::Store;
use crate::store::{HEADROOM, Room};

/// Holding fewer pages than this, 16 MiB, the store has little to give.
const MUCH: u32 = 1 << 12;
/// How long until it is worth looking again, with much memory free and with little.
const CALM: Duration = Duration::from_millis(200);
const TENSE: Duration = Duration::from_millis(20);

/// Whether somebody looks after what the store holds.
#[derive(Debug, Default)]
pub(crate) struct Relief {
    watched: bool,
}

impl Relief {
    /// Whether `held` pages have become worth watching since this was last asked.
    pub(crate) fn is_due(&mut self, held: u32) -> bool {
        held >= MUCH && !std::mem::replace(&mut self.watched, true)
    }
}

impl Store {
    /// Gives memory back while less than a twentieth of a memory limit is free: first mappings kept for
    /// further views and free pages, then the buffers that were used least recently, which move to disk.
    ///
    /// Returns after how long to call again; `None` when the store holds little, and the helper will be called when that
    /// changes.
    pub fn relieve(&self) -> Option<Duration> {
        {
            let mut meta = self.lock();
            if meta.space.held() < MUCH {
                meta.relief.watched = false;
                return None;
            }
        }
        let Room { bytes, limit } = self.ask_system();
        let headroom = (limit / HEADROOM).cast_signed();
        if bytes < -headroom / 2 {
            let lacking = bytes.unsigned_abs().div_ceil(self.page);
            self.update(|meta| meta.spares.end_all());
            self.give_back(u32::try_from(lacking).unwrap_or(u32::MAX));
        }
        Some(if bytes < headroom { TENSE } else { CALM })
    }

    /// Gives `pages` back, as far as it can.
    fn give_back(&self, pages: u32) {
        // Others may take what is evicted: that is charged too, so that this ends.
        let (mut rest, mut evicted) = (pages, 0);
        while rest > 0 {
            let cool = self.update(|meta| {
                let cool = meta.space.take_warm(rest);
                meta.busy += u32::from(!cool.is_empty());
                cool
            });
            if !cool.is_empty() {
                rest -= cool.iter().map(|extent| extent.pages.len() as u32).sum::<u32>();
                self.cool(&cool);
                self.update(|meta| meta.busy -= 1);
                continue;
            }
            let victim = {
                let mut meta = self.lock();
                if evicted >= pages {
                    return;
                }
                let before = meta.evictable_pages();
                let victim = meta.borrow_victim();
                evicted += before - meta.evictable_pages();
                victim
            };
            let Some(victim) = victim else { return };
            if self.evict(victim).is_err() {
                return;
            }
        }
    }
}
