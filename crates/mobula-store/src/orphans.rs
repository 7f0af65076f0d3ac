//! Buffers that only views keep.
//!
//! Nobody has a reference to them any more, so most likely nobody has the views either: they are garbage that a thread has
//! not collected. Collecting costs that thread milliseconds, so it is worth it only for much; and what is still there
//! afterwards is somebody's, so it takes more until the next time.

use crate::meta::Buffer;
use crate::{EnvId, Store};

/// So many pages are worth a collection: 64 MiB.
const MANY: u32 = 1 << 14;

/// The pages of such buffers.
#[derive(Debug)]
pub(crate) struct Orphans {
    pages: u32,
    /// With more than this, collecting is worth it.
    threshold: u32,
    /// Whether the helper has been told that there are more.
    told: bool,
}

impl Default for Orphans {
    fn default() -> Self {
        Self {
            pages: 0,
            threshold: MANY,
            told: false,
        }
    }
}

impl Orphans {
    /// A buffer has `pages` pages that only views keep, or none.
    pub(crate) fn settle(&mut self, buffer: &mut Buffer, pages: u32) {
        self.pages = self.pages - buffer.orphaned + pages;
        buffer.orphaned = pages;
        // What is left after a collection is held by somebody: twice as much is worth another.
        self.threshold = self.threshold.min(self.pages.saturating_mul(2)).max(MANY);
        self.told &= self.pages >= self.threshold;
    }

    /// Whether collecting has become worth it since this was last asked.
    pub(crate) fn have_grown(&mut self) -> bool {
        self.pages >= self.threshold && !std::mem::replace(&mut self.told, true)
    }
}

impl Store {
    /// Whose garbage keeps much of the store: those threads are to collect. Nobody, most of the time.
    pub fn take_orphan_keepers(&self) -> Vec<EnvId> {
        let mut meta = self.lock();
        if meta.orphans.pages < meta.orphans.threshold {
            return Vec::new();
        }
        meta.orphans.threshold = meta.orphans.pages.saturating_mul(2);
        meta.orphans.told = false;
        let orphaned = |id| meta.buffers.get(id).is_some_and(|buffer| buffer.orphaned > 0);
        let views = meta.views.values().filter(|view| orphaned(view.buffer));
        let mut envs: Vec<EnvId> = views.map(|view| view.env).collect();
        envs.sort_unstable();
        envs.dedup();
        envs
    }
}
