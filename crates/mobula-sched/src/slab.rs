use std::fmt;
use std::ptr;

use mobula_sync::atomic::{AtomicPtr, Ordering};
use mobula_sync::{Mutex, prefetch};

/// Cells in the first chunk; each later chunk doubles the slab.
const FIRST: usize = 1024;
const CHUNKS: usize = 22;
/// How many free indices move between a cache and the slab at a time.
const BATCH: usize = 64;

/// Cells that are made in place, never move and are reused: an index stays good for ever.
///
/// A cell is handed out as it was left; whoever frees it leaves it as a new owner may find it.
pub(crate) struct Slab<T> {
    chunks: [AtomicPtr<T>; CHUNKS],
    free: Mutex<Free>,
}

#[derive(Default)]
struct Free {
    indices: Vec<u32>,
    made: u32,
}

/// Free indices kept by one owner, so that most allocations touch no shared state.
#[derive(Debug, Default)]
pub(crate) struct IndexCache(Vec<u32>);

// SAFETY: the slab hands out only `&T`, and makes and drops cells itself.
unsafe impl<T: Send + Sync> Send for Slab<T> {}
// SAFETY: as above; chunk pointers are published with Release and read with Acquire.
unsafe impl<T: Send + Sync> Sync for Slab<T> {}

#[cfg(debug_assertions)]
thread_local! {
    static LOOKS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// How many cells the calling thread has looked at: tests see with it that a call's cost does not grow.
#[cfg(debug_assertions)]
#[doc(hidden)]
#[must_use]
pub fn cells_looked_at() -> u64 {
    LOOKS.get()
}

fn locate(index: u32) -> (usize, usize) {
    let position = index as usize / FIRST + 1;
    let chunk = position.ilog2() as usize;
    (chunk, index as usize + FIRST - (FIRST << chunk))
}

fn chunk_len(chunk: usize) -> usize {
    FIRST << chunk
}

impl<T: Default> Slab<T> {
    /// An empty slab.
    pub(crate) fn new() -> Self {
        Self {
            chunks: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            free: Mutex::new(Free::default()),
        }
    }

    /// The cell at `index`, which must have come from `take`.
    #[inline]
    pub(crate) fn get(&self, index: u32) -> &T {
        #[cfg(debug_assertions)]
        LOOKS.set(LOOKS.get() + 1);
        let (chunk, offset) = locate(index);
        // Acquire: pairs with the Release in `grow`.
        let base = self.chunks[chunk].load(Ordering::Acquire);
        assert!(!base.is_null(), "index out of the slab");
        // SAFETY: `base` points to `chunk_len(chunk)` live cells, and `locate` stays below that.
        unsafe { &*base.add(offset) }
    }

    /// The cell at `index`, if there is one: an index that may not have come from `take`.
    #[inline]
    pub(crate) fn find(&self, index: u32) -> Option<&T> {
        let (chunk, offset) = locate(index);
        // Acquire: as in `get`.
        let base = self.chunks.get(chunk)?.load(Ordering::Acquire);
        // SAFETY: as in `get`.
        (!base.is_null()).then(|| unsafe { &*base.add(offset) })
    }

    /// Takes a free cell.
    #[inline]
    pub(crate) fn take(&self, cache: &mut IndexCache) -> u32 {
        if let Some(index) = cache.0.pop() {
            // Another thread may have used the next cell last: it comes to this core meanwhile.
            if let Some(&next) = cache.0.last() {
                prefetch(self.get(next));
            }
            return index;
        }
        let mut free = self.free.lock();
        if free.indices.len() < BATCH {
            self.grow(&mut free);
        }
        let at = free.indices.len() - BATCH;
        cache.0.extend(free.indices.drain(at..));
        drop(free);
        cache.0.pop().expect("a batch was moved into the cache")
    }

    /// Gives a cell back.
    #[inline]
    pub(crate) fn give(&self, cache: &mut IndexCache, index: u32) {
        cache.0.push(index);
        if cache.0.len() >= 4 * BATCH {
            let at = cache.0.len() - 2 * BATCH;
            self.free.lock().indices.extend(cache.0.drain(at..));
        }
    }

    /// Gives back everything a cache holds.
    pub(crate) fn give_all(&self, cache: &mut IndexCache) {
        self.free.lock().indices.append(&mut cache.0);
    }

    /// How many cells exist, free ones included: every index is below this.
    pub(crate) fn made(&self) -> u32 {
        self.free.lock().made
    }

    fn grow(&self, free: &mut Free) {
        let (chunk, offset) = locate(free.made);
        if offset == 0 {
            let cells: Vec<T> = (0..chunk_len(chunk)).map(|_| T::default()).collect();
            let base = Box::into_raw(cells.into_boxed_slice()).cast::<T>();
            // Release: pairs with the Acquire in `get`.
            self.chunks[chunk].store(base, Ordering::Release);
        }
        // A few at a time: the free list stays short.
        let count = (chunk_len(chunk) - offset).min(FIRST) as u32;
        free.indices.extend((free.made..free.made + count).rev());
        free.made += count;
    }
}

impl<T> Drop for Slab<T> {
    fn drop(&mut self) {
        for (chunk, base) in self.chunks.iter().enumerate() {
            let base = base.load(Ordering::Relaxed);
            if !base.is_null() {
                let cells = ptr::slice_from_raw_parts_mut(base, chunk_len(chunk));
                // SAFETY: `base` came from a boxed slice of this length and nobody holds the slab.
                drop(unsafe { Box::from_raw(cells) });
            }
        }
    }
}

impl<T> fmt::Debug for Slab<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slab")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_its_own_place() {
        let mut expected = (0, 0);
        for index in 0..FIRST as u32 * 20 {
            assert_eq!(locate(index), expected, "index {index}");
            expected.1 += 1;
            if expected.1 == chunk_len(expected.0) {
                expected = (expected.0 + 1, 0);
            }
        }
    }

    #[test]
    fn a_freed_cell_is_handed_out_again() {
        let slab = Slab::<u64>::new();
        let mut cache = IndexCache::default();
        let taken: Vec<u32> = (0..5000).map(|_| slab.take(&mut cache)).collect();
        let mut sorted = taken.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), taken.len());
        let made = slab.made();
        for &index in &taken {
            slab.give(&mut cache, index);
        }
        for _ in 0..5000 {
            let _ = slab.take(&mut cache);
        }
        assert_eq!(slab.made(), made);
    }
}
