use std::sync::Arc;

use crc32fast::Hasher;
use mobula_store::{BufferId, Incoming, PIECE, Store};

use crate::PullError;

/// A buffer of an object that was pulled.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct PulledBuffer {
    /// In this node's store, sealed.
    pub id: BufferId,
    /// In bytes.
    pub len: u64,
    /// The crc32 of all its bytes.
    pub sum: u32,
}

/// An object that was pulled. It goes when this is dropped.
#[derive(Debug)]
pub struct Pulled {
    store: Arc<Store>,
    buffers: Vec<PulledBuffer>,
}

impl Pulled {
    /// Seals buffers that are whole. `sums`: of their ranges.
    pub(crate) fn seal(
        store: &Arc<Store>,
        bufs: Vec<Incoming>,
        sums: Vec<Vec<u32>>,
    ) -> Result<Self, PullError> {
        let mut pulled = Self {
            store: Arc::clone(store),
            buffers: Vec::with_capacity(bufs.len()),
        };
        for (incoming, sums) in bufs.into_iter().zip(sums) {
            let len = incoming.len();
            let sum = combine(&sums, len);
            let id = incoming.seal(sums).map_err(PullError::Memory)?;
            pulled.buffers.push(PulledBuffer { id, len, sum });
        }
        Ok(pulled)
    }

    /// Its buffers, in order.
    #[must_use]
    pub fn buffers(&self) -> &[PulledBuffer] {
        &self.buffers
    }

    /// Hands the buffers over: the one reference to each is the caller's.
    #[must_use]
    pub fn take(mut self) -> Vec<PulledBuffer> {
        std::mem::take(&mut self.buffers)
    }
}

impl Drop for Pulled {
    fn drop(&mut self) {
        for buffer in &self.buffers {
            self.store.release(buffer.id);
        }
    }
}

/// The checksum of `len` bytes, from those of their pieces.
fn combine(sums: &[u32], len: u64) -> u32 {
    let mut all = Hasher::new();
    for (&sum, at) in sums.iter().zip(0_u64..) {
        let piece = len.saturating_sub(at * PIECE).min(PIECE);
        all.combine(&Hasher::new_with_initial_len(sum, piece));
    }
    all.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_pieces_give_that_of_the_whole() {
        let bytes: Vec<u8> = (0..2 * PIECE + 77).map(|at| (at * 7 / 3) as u8).collect();
        let sums: Vec<u32> = bytes.chunks(PIECE as usize).map(crc32fast::hash).collect();
        assert_eq!(combine(&sums, bytes.len() as u64), crc32fast::hash(&bytes));
        assert_eq!(combine(&[], 0), crc32fast::hash(b""));
    }
}
