use std::io;
use std::sync::Arc;
use std::time::Instant;

use mobula_fault::failpoint;

use crate::ceiling::Measure;
use crate::error::{Bound, FullError};
use crate::space::{Extent, Grant, Segment, extents};
use crate::store::address_len;
use crate::{BufferId, CreateError, Store};

/// Pages taken for a buffer that does not exist yet; counted as busy. Ends in [`Store::keep`] or
/// [`Store::give_up`].
#[derive(Debug)]
#[must_use]
pub(crate) struct Reservation {
    pub(crate) segments: Vec<Segment>,
}

/// Why pages could not be had.
#[derive(Debug)]
pub(crate) enum RoomError {
    Full(FullError),
    Spill(io::Error),
}

impl RoomError {
    pub(crate) fn into_create(self, needed: u64) -> CreateError {
        match self {
            Self::Full(error) => CreateError::Full(error),
            Self::Spill(source) => CreateError::Spill { needed, source },
        }
    }
}

impl Store {
    /// How many pages `len` bytes take: at least one, so that each buffer has an address.
    pub(crate) fn pages_for(&self, len: u64) -> Option<u32> {
        u32::try_from(len.div_ceil(self.page).max(1)).ok()
    }

    /// Takes pages, evicting as much as it takes. The caller has no reservation and no borrow, as this may wait
    /// for those of others.
    pub(crate) fn reserve(&self, length: Option<u32>, split: bool) -> Result<Reservation, RoomError> {
        let length = length.unwrap_or(u32::MAX);
        let split = split && self.threads > 1;
        let mut measure = Measure::Lately;
        let mut meta = self.lock();
        loop {
            meta.space.set_small(self.small_pages());
            match meta.space.take(length, split, measure, Instant::now()) {
                Grant::Taken { segments, cool } => {
                    failpoint!("store.reserve.granted");
                    meta.busy += 1;
                    drop(meta);
                    self.cool(&cool);
                    return Ok(Reservation { segments });
                }
                Grant::AskSystem => {
                    drop(meta);
                    self.ask_system();
                    meta = self.lock();
                }
                Grant::NoRoom(bound) => {
                    // What others use now may become evictable when they are done; never make room in vain.
                    let enough = meta
                        .space
                        .is_attainable(length, meta.evictable_pages(), bound, measure);
                    if let Some(victim) = if enough { meta.borrow_victim() } else { None } {
                        failpoint!("store.evict.chosen");
                        drop(meta);
                        match self.evict(victim) {
                            // Without a disk, what is free now has to do.
                            Err(_) if measure == Measure::Lately && matches!(bound, Bound::Memory(_)) => {
                                measure = Measure::Now;
                            }
                            evicted => evicted.map_err(RoomError::Spill)?,
                        }
                        meta = self.lock();
                    } else if measure == Measure::Lately && matches!(bound, Bound::Memory(_)) {
                        measure = Measure::Now;
                    } else if meta.busy > 0 {
                        meta = self.wait(meta);
                    } else {
                        return Err(RoomError::Full(meta.full(length, bound, self.page)));
                    }
                }
            }
        }
    }

    /// Moves buffers to disk until those in memory and small values together fit into the capacity.
    ///
    /// # Errors
    /// See [`CreateError`]: nothing more can go, or the disk refuses.
    pub fn make_small_room(&self) -> Result<(), CreateError> {
        loop {
            let victim = {
                let mut meta = self.lock();
                let small = self.small_pages();
                meta.space.set_small(small);
                if meta.space.used().saturating_add(small) <= meta.space.capacity() {
                    return Ok(());
                }
                meta.borrow_victim()
                    .ok_or_else(|| CreateError::Full(meta.full(1, Bound::Capacity, self.page)))?
            };
            self.evict(victim)
                .map_err(|source| CreateError::Spill { needed: 0, source })?;
        }
    }

    /// The pages are filled and become part of a buffer. To be called with the lock, in the same step that
    /// makes the buffer.
    pub(crate) fn keep(meta: &mut crate::meta::Meta, reservation: &Reservation) -> Vec<Extent> {
        meta.busy -= 1;
        meta.space.filled_cold(&reservation.segments);
        extents(&reservation.segments)
    }

    /// Gives the pages back; some of the cold ones may have been filled.
    pub(crate) fn give_up(&self, reservation: &Reservation) {
        self.give_up_segments(&reservation.segments);
    }

    /// As [`give_up`](Self::give_up): they are counted as busy.
    pub(crate) fn give_up_segments(&self, segments: &[Segment]) {
        let given_back = segments.iter().map(|segment| {
            let Segment { lane, piece } = segment;
            // SAFETY: the pages are the reservation's, and what filled them has ended.
            let cold = !piece.warm && unsafe { self.arenas[*lane].discard(piece.pages.clone()) }.is_ok();
            (segment, !cold)
        });
        let given_back: Vec<_> = given_back.collect();
        self.update(|meta| {
            meta.busy -= 1;
            meta.space.give_unfilled(&given_back);
        });
    }

    /// Gives all of the pages memory. On failure the reservation is still to be given up.
    pub(crate) fn allocate(&self, reservation: &Reservation) -> io::Result<()> {
        failpoint!(io "store.allocate");
        let mut cold = reservation.segments.iter().filter(|segment| !segment.piece.warm);
        cold.try_for_each(|Segment { lane, piece }| self.arenas[*lane].allocate(piece.pages.clone()))
    }

    /// The content of the pages, for writing.
    ///
    /// # Safety
    /// All of the pages have memory, and there is one such slice at a time.
    #[expect(clippy::mut_from_ref, reason = "exclusive as the reservation is")]
    pub(crate) unsafe fn content_mut(&self, reservation: &Reservation) -> Vec<&mut [u8]> {
        let extents = extents(&reservation.segments).into_iter();
        // SAFETY: the pages are the reservation's; the caller vouches for the rest.
        extents
            .map(|extent| unsafe { self.arenas[extent.lane].bytes_mut(extent.pages) })
            .collect()
    }

    /// Clears the pages that held something else before.
    pub(crate) fn clear_warm(&self, reservation: &Reservation) {
        for Segment { lane, piece } in reservation.segments.iter().filter(|segment| segment.piece.warm) {
            // SAFETY: the pages are the reservation's, and have memory.
            unsafe { self.arenas[*lane].bytes_mut(piece.pages.clone()) }.fill(0);
        }
    }

    /// The first `len` bytes of the extents, in order.
    ///
    /// # Safety
    /// The pages have memory, and nobody writes them while the slices live.
    pub(crate) unsafe fn content(&self, extents: &[Extent], len: u64) -> Vec<&[u8]> {
        let mut rest = address_len(len);
        let extents = extents.iter().map(|extent| {
            // SAFETY: the caller vouches for it.
            let bytes = unsafe { self.arenas[extent.lane].bytes(extent.pages.clone()) };
            let bytes = &bytes[..bytes.len().min(rest)];
            rest -= bytes.len();
            bytes
        });
        extents.collect()
    }

    /// Moves a borrowed buffer to disk, and ends the borrow. It stays in memory if the disk refuses, or if
    /// someone came to use it meanwhile.
    pub(crate) fn evict(&self, id: BufferId) -> io::Result<()> {
        let (extents, len, clean) = {
            let meta = self.lock();
            let Some(buffer) = meta.buffers.get(id) else {
                return Ok(());
            };
            (
                buffer.content.extents().to_vec(),
                buffer.len,
                buffer.file.is_some(),
            )
        };
        if clean {
            self.update(|meta| meta.end_eviction(id));
            return Ok(());
        }
        // SAFETY: the buffer is sealed, so nobody writes it, and the borrow keeps its pages.
        let content = unsafe { self.content(&extents, len) };
        failpoint!("store.evict.before");
        match self.spill.write(&content) {
            Ok(file) => self.update(|meta| {
                failpoint!("store.evict.written");
                if let Some(buffer) = meta.buffers.get_mut(id) {
                    buffer.file = Some(Arc::new(file));
                }
                meta.end_eviction(id);
                Ok(())
            }),
            Err(error) => {
                self.update(|meta| meta.end_borrow(id));
                Err(error)
            }
        }
    }
}
