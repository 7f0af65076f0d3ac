//! Views that nobody holds any more, kept for the next task that gets the same buffer.
//!
//! Making a view is cheap; touching its pages for the first time is not. A view goes to another task only if V8 has
//! collected the ArrayBuffer over it, so nobody can write into it any more, and if it is proven that nobody has.

use mobula_store::{BufferId, Mapping, Store};
use mobula_sync::Mutex;

/// Views kept by one thread at most.
const MAX_SPARE: usize = 4;

/// The spare views of one thread.
#[derive(Debug, Default)]
pub(crate) struct SpareViews(Mutex<Spare>);

#[derive(Debug, Default)]
struct Spare {
    keep: bool,
    views: Vec<(BufferId, Mapping)>,
}

impl SpareViews {
    /// A view of `buffer` that shows it as it was stored, if there is one.
    pub(crate) fn take(&self, store: &Store, buffer: BufferId) -> Option<Mapping> {
        loop {
            let mapping = {
                let mut spare = self.0.lock();
                let at = spare.views.iter().position(|(of, _)| *of == buffer)?;
                spare.views.swap_remove(at).1
            };
            if store.is_unwritten(mapping.view) {
                return Some(mapping);
            }
            store.unmap(mapping.view);
        }
    }

    /// Nobody holds this view of `buffer` any more.
    pub(crate) fn give(&self, store: &Store, buffer: BufferId, mapping: Mapping) {
        let mut spare = self.0.lock();
        if spare.keep && spare.views.len() < MAX_SPARE {
            spare.views.push((buffer, mapping));
        } else {
            drop(spare);
            store.unmap(mapping.view);
        }
    }

    /// Begins or ends keeping views: a thread that has nothing to do must not keep memory from others.
    pub(crate) fn keep(&self, store: &Store, keep: bool) {
        let views = {
            let mut spare = self.0.lock();
            spare.keep = keep;
            if keep {
                Vec::new()
            } else {
                std::mem::take(&mut spare.views)
            }
        };
        for (_, mapping) in views {
            store.unmap(mapping.view);
        }
    }
}
