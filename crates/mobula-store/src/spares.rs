//! Mappings of views that have ended without anything having been written through them, kept for the next views.
//!
//! A mapping costs system calls, a page fault for each huge page (or 16 small ones) that is read, and its end. A large
//! object that many tasks read would pay all of it each time. A mapping that nobody has written to is as good as new, and
//! has its page tables filled.

use std::collections::VecDeque;

use mobula_shm::Mapped;

use crate::meta::View;
use crate::{BufferId, EnvId, Mapping, Origin, Store};

/// The most spares: each counts among the process's mappings.
const MOST: usize = 256;
/// The most bytes that the page tables of all spares may take: 8 for each page of 4096, if all were read. With huge pages
/// they take next to nothing.
const MOST_TABLES: usize = 32 << 20;
const TABLE_SHARE: usize = 512;

/// Spares of all buffers.
///
/// 1. A buffer has spares only while it is in memory and has references: the pages behind a spare are the buffer's.
/// 2. The store alone has the address of a spare, and nothing was ever written through it.
/// 3. Mappings end without the store's lock: `update` takes `ended` with it.
#[derive(Debug, Default)]
pub(crate) struct Spares {
    /// Oldest first.
    list: VecDeque<(BufferId, Mapped)>,
    tables: usize,
    /// Those that are to end.
    pub(crate) ended: Vec<Mapped>,
}

impl Spares {
    /// The newest spare of a buffer.
    pub(crate) fn take(&mut self, id: BufferId) -> Option<Mapped> {
        let at = self.list.iter().rposition(|&(of, _)| of == id)?;
        let (_, mapped) = self.list.remove(at)?;
        self.tables -= tables(&mapped);
        Some(mapped)
    }

    /// Keeps a mapping of a buffer. The oldest ones end, where there are too many.
    pub(crate) fn add(&mut self, id: BufferId, mapped: Mapped) {
        self.tables += tables(&mapped);
        self.list.push_back((id, mapped));
        while self.list.len() > MOST || self.tables > MOST_TABLES {
            let Some((_, oldest)) = self.list.pop_front() else {
                return;
            };
            self.tables -= tables(&oldest);
            self.ended.push(oldest);
        }
    }

    /// Ends the spares of a buffer.
    pub(crate) fn end(&mut self, id: BufferId) {
        while let Some(mapped) = self.take(id) {
            self.ended.push(mapped);
        }
    }

    /// Ends all spares.
    pub(crate) fn end_all(&mut self) {
        self.tables = 0;
        self.ended.extend(self.list.drain(..).map(|(_, mapped)| mapped));
    }

    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }
}

/// Bytes that the page tables of a mapping take at most.
fn tables(mapped: &Mapped) -> usize {
    mapped.size() / TABLE_SHARE
}

impl Store {
    /// A view in a mapping that was another view's, if there is one to spare.
    pub(crate) fn map_spare(&self, id: BufferId, env: EnvId) -> Option<Mapping> {
        self.update(|meta| {
            let mapped = meta.spares.take(id)?;
            let len = meta.buffers.get(id)?.len;
            let mapping = meta.add_view(View::of_reader(id, env, mapped), len);
            let origin = Origin::Reused;
            Some(Mapping { origin, ..mapping })
        })
    }

    /// Keeps the mapping of a view that is ending, if another view may want it and it is as good as new. Gives it back
    /// otherwise: it is to end.
    pub(crate) fn spare(&self, id: BufferId, mapped: Mapped) -> Option<Mapped> {
        if !self.pagemap.is_unwritten(&mapped) {
            return Some(mapped);
        }
        self.update(|meta| {
            // The view still pins the buffer.
            let wanted = meta.buffers.get(id).is_some_and(|buffer| {
                buffer.refs > 0 && mapped.is_well_placed(&self.parts(buffer.content.extents()))
            });
            if !wanted {
                return Some(mapped);
            }
            meta.spares.add(id, mapped);
            None
        })
    }
}
