use std::ops::Range;
use std::sync::Arc;

use mobula_sync::Mutex;

use crate::space::Extent;
use crate::{BufferId, MapError, PIECE, Store};

/// The checksums (crc32) of a buffer's pieces of [`PIECE`] bytes, as far as they are known. They live as long as the buffer, whose
/// content never changes.
#[derive(Debug, Default)]
pub(crate) struct Sums(Mutex<Vec<Option<u32>>>);

impl Sums {
    /// All of them, in order.
    pub(crate) fn known(sums: Vec<u32>) -> Self {
        Self(Mutex::new(sums.into_iter().map(Some).collect()))
    }

    fn get(&self, piece: usize) -> Option<u32> {
        self.0.lock().get(piece).copied().flatten()
    }

    fn set(&self, piece: usize, sum: u32) {
        let mut sums = self.0.lock();
        if sums.len() <= piece {
            sums.resize(piece + 1, None);
        }
        sums[piece] = Some(sum);
    }
}

/// A sealed buffer that stays in memory until this is dropped, to be read where it lies, without a mapping of its own.
#[derive(Debug)]
pub struct Pin {
    store: Arc<Store>,
    id: BufferId,
    len: u64,
    extents: Vec<Extent>,
    sums: Arc<Sums>,
}

impl Pin {
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

    /// The bytes of `range`, in at most two slices.
    ///
    /// # Panics
    /// When the range is not within the buffer.
    #[must_use]
    pub fn bytes(&self, range: Range<u64>) -> Vec<&[u8]> {
        assert!(
            range.start <= range.end && range.end <= self.len,
            "{range:?} is not within {} bytes",
            self.len
        );
        let (mut skip, mut rest) = (range.start, range.end - range.start);
        let mut slices = Vec::with_capacity(2);
        for Extent { lane, pages } in &self.extents {
            let (arena, page) = (&self.store.arenas[*lane], self.store.page);
            let here = (pages.len() as u64 * page).saturating_sub(skip).min(rest);
            if here == 0 {
                skip = skip.saturating_sub(pages.len() as u64 * page);
                continue;
            }
            let first = pages.start + (skip / page) as u32;
            let last = pages.start + (skip + here).div_ceil(page) as u32;
            arena.populate(first..last);
            // SAFETY: the buffer is sealed, so nobody writes it, and the pin keeps its pages.
            let bytes = unsafe { arena.bytes(first..last) };
            let within = (skip % page) as usize;
            slices.push(&bytes[within..within + here as usize]);
            (skip, rest) = (0, rest - here);
        }
        slices
    }

    /// The checksum of a piece, if somebody has [told](Self::set_sum) it.
    #[must_use]
    pub fn sum(&self, piece: u64) -> Option<u32> {
        self.sums.get(usize::try_from(piece).ok()?)
    }

    /// Keeps the checksum of a piece, bytes `piece * PIECE` and on, for as long as the buffer lives.
    pub fn set_sum(&self, piece: u64, sum: u32) {
        if piece < self.len.div_ceil(PIECE) {
            self.sums.set(piece as usize, sum);
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.store
            .update(|meta| meta.change(self.id, |buffer| buffer.pins -= 1));
    }
}

impl Store {
    /// Keeps a sealed buffer in memory, to be read in place; as with a view, whoever gives references back. Blocks when
    /// the buffer is on disk, until it is back.
    ///
    /// # Errors
    /// See [`MapError`].
    pub fn pin(self: &Arc<Self>, id: BufferId) -> Result<Pin, MapError> {
        let borrowed = self.borrow(id)?;
        let extents = borrowed.extents().to_vec();
        let (len, sums) = self.update(|meta| {
            meta.change(id, |buffer| {
                buffer.pins += 1;
                (buffer.len, Arc::clone(buffer.sums.get_or_insert_default()))
            })
            .ok_or(MapError::Unknown(id))
        })?;
        Ok(Pin {
            store: Arc::clone(self),
            id,
            len,
            extents,
            sums,
        })
    }
}
