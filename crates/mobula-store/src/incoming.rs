use std::io;
use std::ops::Range;
use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_shm::Arena;

use crate::meta::Content;
use crate::pin::Sums;
use crate::space::{Segment, extents};
use crate::{BufferId, CreateError, Store};

/// A buffer whose bytes come from elsewhere, from the first to the last, and which nobody sees before it is whole.
///
/// Its room is taken at once, its memory as the bytes come. Dropped before it is sealed, it gives all back.
///
/// 1. `at <= len`. Pages below `high` have memory and are counted as filled; above it only warm pages have memory.
/// 2. Nobody else touches the pages: the buffer is `Writing`, and has no view.
#[derive(Debug)]
pub struct Incoming {
    store: Arc<Store>,
    id: BufferId,
    segments: Vec<Segment>,
    len: u64,
    at: u64,
    /// In bytes, whole pages.
    high: u64,
    /// Whether the books have another owner: the sealed buffer.
    sealed: bool,
}

/// Why the next bytes of an [`Incoming`] buffer did not come to lie in it.
#[derive(Debug, thiserror::Error)]
pub enum TakeError<E> {
    /// What was to give the bytes failed.
    #[error(transparent)]
    Read(E),
    /// The system has no memory for them.
    #[error("the operating system refused memory for bytes that came")]
    Memory(#[source] io::Error),
}

impl Store {
    /// Takes room for a buffer of `len` bytes that come from elsewhere. Blocks while buffers are written to disk to make
    /// room.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is taken then.
    pub fn receive(self: &Arc<Self>, len: u64) -> Result<Incoming, CreateError> {
        let reservation = self
            .reserve(self.pages_for(len), false)
            .map_err(|error| error.into_create(len))?;
        failpoint!("store.receive.reserved");
        let id = self.update(|meta| {
            // Bytes may be long in coming, so nobody waits for this reservation: it counts as a holder instead.
            meta.busy -= 1;
            let extents = extents(&reservation.segments);
            meta.add(len, Content::Writing(extents), None)
        });
        Ok(Incoming {
            store: Arc::clone(self),
            id,
            segments: reservation.segments,
            len,
            at: 0,
            high: 0,
            sealed: false,
        })
    }
}

impl Incoming {
    /// The buffer's length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the buffer has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes have come.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// What came behind `at` does not count: it is to come again.
    ///
    /// # Panics
    /// When so much has not come.
    pub fn rewind(&mut self, at: u64) {
        assert!(at <= self.at, "{} bytes have come, not {at}", self.at);
        self.at = at;
    }

    /// Takes the next `length` bytes: `read` fills each slice that it is given, in order. Slices lie in the buffer where
    /// its pages have memory, else in `scratch`, from where the bytes are written into fresh pages, which is cheaper than
    /// faults.
    ///
    /// # Errors
    /// See [`TakeError`]; nothing counts as come then.
    ///
    /// # Panics
    /// When `length` bytes are more than are missing, or `at` is not at a page's beginning, or `scratch` has less than a page.
    pub fn take<E>(
        &mut self,
        length: u64,
        scratch: &mut [u8],
        mut read: impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), TakeError<E>> {
        let page = self.store.page;
        assert!(length <= self.len - self.at && self.at.is_multiple_of(page));
        let (start, end) = (self.at, self.at + length);
        let mut first = 0;
        for Segment { lane, piece } in &self.segments {
            let last = first + piece.pages.len() as u64 * page;
            let arena = &self.store.arenas[*lane];
            let pages = |from: u64, to: u64| {
                let at = |bytes: u64| piece.pages.start + (bytes - first).div_ceil(page) as u32;
                at(from)..at(to)
            };
            let (from, to) = (start.max(first), end.min(last));
            if from < to && piece.warm {
                // SAFETY: rule 2, and warm pages have memory.
                let bytes = unsafe { arena.bytes_mut(pages(from, to)) };
                let (bytes, tail) = bytes.split_at_mut((to - from) as usize);
                tail.fill(0);
                read(bytes).map_err(TakeError::Read)?;
            } else if from < to {
                let step = scratch.len() as u64 / page * page;
                assert!(step > 0, "scratch has less than a page");
                let mut from = from;
                while from < to {
                    let next = to.min(from + step);
                    let bytes = &mut scratch[..(next - from) as usize];
                    read(bytes).map_err(TakeError::Read)?;
                    // SAFETY: rule 2.
                    unsafe { write_fresh(arena, pages(from, next), bytes) }.map_err(TakeError::Memory)?;
                    from = next;
                }
            }
            first = last;
        }
        self.at = end;
        self.count_filled();
        Ok(())
    }

    /// The books learn which cold pages have memory now.
    fn count_filled(&mut self) {
        let page = self.store.page;
        let (from, to) = (self.high, self.at.next_multiple_of(page));
        if to <= from {
            return;
        }
        self.high = to;
        let pages = self.cold_between(from, to);
        if pages > 0 {
            self.store.update(|meta| meta.space.count_filled(pages));
        }
    }

    /// Cold pages between two places of the buffer, in bytes.
    fn cold_between(&self, from: u64, to: u64) -> u32 {
        let (page, mut first, mut pages) = (self.store.page, 0, 0);
        for Segment { piece, .. } in &self.segments {
            let last = first + piece.pages.len() as u64 * page;
            if !piece.warm {
                pages += (to.min(last).saturating_sub(from.max(first)) / page) as u32;
            }
            first = last;
        }
        pages
    }

    /// Ends the writing: the buffer is what has come, for good. `sums`: the checksums of its pieces of
    /// [`PIECE`](crate::PIECE) bytes, in order. Its one reference is the caller's.
    ///
    /// # Errors
    /// The system's, which has no memory for an empty buffer's page.
    ///
    /// # Panics
    /// When bytes are missing.
    pub fn seal(mut self, sums: Vec<u32>) -> io::Result<BufferId> {
        assert_eq!(self.at, self.len, "bytes are missing");
        if self.len == 0 && self.segments.iter().any(|segment| !segment.piece.warm) {
            // The one page of an empty buffer.
            for Segment { lane, piece } in &self.segments {
                self.store.arenas[*lane].allocate(piece.pages.clone())?;
            }
            let pages = self.cold_between(0, self.store.page);
            self.store.update(|meta| meta.space.count_filled(pages));
        }
        self.sealed = true;
        failpoint!("store.receive.seal");
        self.store.update(|meta| {
            meta.change(self.id, |buffer| {
                if let Content::Writing(extents) = &mut buffer.content {
                    buffer.content = Content::Resident(std::mem::take(extents));
                }
                buffer.sums = Some(Arc::new(Sums::known(sums)));
            });
        });
        Ok(self.id)
    }
}

/// # Safety
/// As for [`Arena::write_fresh`].
unsafe fn write_fresh(arena: &Arena, pages: Range<u32>, bytes: &[u8]) -> io::Result<()> {
    failpoint!(io "store.receive.write");
    // SAFETY: the caller vouches for it.
    unsafe { arena.write_fresh(pages, bytes) }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if self.sealed {
            return;
        }
        // The buffer goes first, without its pages; then these, as those of any reservation.
        self.store.update(|meta| {
            meta.change(self.id, |buffer| {
                buffer.content = Content::Aborted;
                buffer.refs = 0;
            });
            meta.busy += 1;
            meta.space.count_unfilled(self.cold_between(0, self.high));
        });
        self.store.give_up_segments(&self.segments);
    }
}
