use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use mobula_fault::failpoint;
use mobula_shm::{Arena, Mappings, Pagemap, Part};
use mobula_sync::atomic::{AtomicI64, AtomicU64, Ordering};
use mobula_sync::{Condvar, Mutex, MutexGuard};

use crate::meta::{Content, Meta};
use crate::space::{Extent, LANES, Space};
use crate::spill::SpillFile;
use crate::{BufferId, EnvId, OpenError, Stats, StoreConfig};

/// How many times its capacity a store has in addresses. Memory is bounded by `capacity`; the surplus of
/// addresses costs nothing and makes it all but impossible that free pages suffice but are scattered.
const ADDRESSES: u64 = 4;

/// The part of a memory limit that the store leaves free, as a divisor.
pub(crate) const HEADROOM: u64 = 10;

/// Immutable objects of one process, in memory that all of its threads can map.
///
/// Every method may be called from any thread. No lock is held while bytes are copied, files are read or
/// written, or the kernel maps or unmaps.
#[derive(Debug)]
pub struct Store {
    pub(crate) meta: Mutex<Meta>,
    /// Notified when something happened that a waiting thread may be waiting for.
    pub(crate) changed: Condvar,
    pub(crate) arenas: [Arena; LANES],
    pub(crate) spill: SpillFile,
    pub(crate) mappings: Arc<Mappings>,
    pub(crate) pagemap: Pagemap,
    /// From the configuration, in bytes.
    pub(crate) memory_limit: Option<u64>,
    /// How many threads one call may use.
    pub(crate) threads: usize,
    helper: Helper,
    /// Bytes of values that are kept elsewhere.
    pub(crate) small: AtomicI64,
    /// Bytes in pages of buffers, as of the last change; a hint.
    used: AtomicU64,
    capacity: u64,
    /// In bytes.
    pub(crate) page: u64,
}

impl Store {
    /// Opens an empty store. Takes address space but no memory, and opens its spill file if it can.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(config: StoreConfig) -> Result<Self, OpenError> {
        let StoreConfig {
            capacity,
            spill_directory,
            memory_limit,
            max_mappings,
        } = config;
        let page = mobula_shm::page_size() as u64;
        let lane_factor = ADDRESSES / LANES as u64;
        let most = u64::from(u32::MAX) / lane_factor * page;
        if capacity < page || capacity > most {
            return Err(OpenError::Capacity {
                capacity,
                least: page,
                most,
            });
        }
        let pages = (capacity / page) as u32;
        // Where addresses are rationed (`ulimit -v`), do with as many as a single buffer needs.
        let addresses = [pages * lane_factor as u32, pages];
        let open = |addresses| -> std::io::Result<_> {
            Ok((
                [
                    Arena::open(c"mobula-0", addresses)?,
                    Arena::open(c"mobula-1", addresses)?,
                ],
                addresses,
            ))
        };
        let (arenas, addresses) = open(addresses[0])
            .or_else(|_| open(addresses[1]))
            .map_err(|source| OpenError::Arena { capacity, source })?;
        Ok(Self {
            meta: Mutex::new(Meta::new(Space::new(pages, addresses))),
            changed: Condvar::new(),
            arenas,
            spill: SpillFile::new(spill_directory, memory_limit),
            mappings: Mappings::new(max_mappings),
            pagemap: Pagemap::open(),
            memory_limit,
            threads: mobula_shm::processors(),
            helper: Helper::default(),
            small: AtomicI64::new(0),
            used: AtomicU64::new(0),
            capacity: u64::from(pages) * page,
            page,
        })
    }

    /// Takes over the reference that [`put`](Self::put) or [`seal`](Self::seal) gave: from now on the caller counts it,
    /// and it does not end with the environment. A thread may die between storing something and telling anyone.
    pub fn adopt(&self, id: BufferId) {
        self.update(|meta| meta.change(id, |buffer| buffer.loose = None));
    }

    /// The opposite of [`adopt`](Self::adopt): the caller's reference is that of `env` until it is adopted.
    pub fn hand_to(&self, id: BufferId, env: EnvId) {
        self.update(|meta| meta.change(id, |buffer| buffer.loose = Some(env)));
    }

    /// As [`adopt`](Self::adopt), if the reference is still that of `env`; otherwise nothing changes, and it gives false.
    pub fn adopt_from(&self, id: BufferId, env: EnvId) -> bool {
        self.update(|meta| {
            let its = meta
                .buffers
                .get(id)
                .is_some_and(|buffer| buffer.loose == Some(env));
            its && meta.change(id, |buffer| buffer.loose = None).is_some()
        })
    }

    /// Adds a reference to a buffer that the caller has a reference to.
    ///
    /// # Panics
    /// When there is no such buffer.
    #[track_caller]
    pub fn retain(&self, id: BufferId) {
        let done = self.update(|meta| meta.change(id, |buffer| buffer.refs += 1));
        assert!(done.is_some(), "buffer {} does not exist", id.0);
    }

    /// Gives one reference back. A buffer without references and views is freed; views outlive references.
    ///
    /// # Panics
    /// When there is no such buffer or it has no reference: someone has given back what was not theirs.
    #[track_caller]
    pub fn release(&self, id: BufferId) {
        let done = self.update(|meta| {
            let held = meta.buffers.get(id).is_some_and(|buffer| buffer.refs > 0);
            failpoint!("store.release");
            held.then(|| meta.change(id, |buffer| buffer.refs -= 1))
        });
        assert!(done.is_some(), "buffer {} has no reference to give back", id.0);
    }

    /// How many references a buffer has now.
    ///
    /// # Panics
    /// When there is no such buffer.
    #[track_caller]
    #[must_use]
    pub fn references(&self, id: BufferId) -> u32 {
        let refs = self.lock().buffers.get(id).map(|buffer| buffer.refs);
        refs.unwrap_or_else(|| panic!("buffer {} does not exist", id.0))
    }

    /// The buffer's length in bytes.
    ///
    /// # Panics
    /// When there is no such buffer.
    #[track_caller]
    #[must_use]
    pub fn len(&self, id: BufferId) -> u64 {
        let len = self.lock().buffers.get(id).map(|buffer| buffer.len);
        len.unwrap_or_else(|| panic!("buffer {} does not exist", id.0))
    }

    /// Whether [`map`](Self::map) would find the buffer sealed and in memory, so that it would not block on the
    /// disk. May change at any time while the caller has no view of the buffer.
    #[must_use]
    pub fn is_resident(&self, id: BufferId) -> bool {
        self.lock()
            .buffers
            .get(id)
            .is_some_and(|buffer| matches!(buffer.content, Content::Resident(_)))
    }

    /// What the store holds and has done.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let meta = self.lock();
        let bytes = |pages: u32| u64::from(pages) * self.page;
        Stats {
            capacity: bytes(meta.space.capacity()),
            used: bytes(meta.space.used()),
            warm: bytes(meta.space.held()),
            pinned: bytes(meta.space.used() - meta.evictable_pages()),
            spilled: meta.on_disk,
            buffers: meta.buffers.count() as u64,
            views: meta.views.len() as u64,
            spares: meta.spares.count() as u64,
            spills: meta.spills,
            restores: meta.restores,
            small: self.small.load(Ordering::Relaxed).max(0).cast_unsigned(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Meta> {
        self.meta.lock()
    }

    /// Values that are no buffers, and are kept elsewhere, take so many bytes more. They count against the capacity.
    pub fn count_small(&self, change: i64) {
        self.small.fetch_add(change, Ordering::Relaxed);
    }

    /// The bytes that there is room for in memory.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Whether buffers in memory and small values together take more than the capacity. May be a little late.
    #[must_use]
    pub fn is_tight(&self) -> bool {
        let small = self.small.load(Ordering::Relaxed).max(0).cast_unsigned();
        small + self.used.load(Ordering::Relaxed) > self.capacity
    }

    /// Pages that small values would take.
    pub(crate) fn small_pages(&self) -> u32 {
        let small = self.small.load(Ordering::Relaxed).max(0).cast_unsigned();
        u32::try_from(small.div_ceil(self.page)).unwrap_or(u32::MAX)
    }

    /// Who is called when [`make_huge`](Self::make_huge) or [`take_orphan_keepers`](Self::take_orphan_keepers) has something
    /// to do, from any thread; it wakes the thread that calls them, and comes back at once.
    pub fn set_helper(&self, wake: impl Fn() + Send + Sync + 'static) {
        *self.helper.0.lock() = Some(Arc::new(wake));
    }

    /// Changes the books; then, without the lock, wakes who waits, and ends files and mappings that are not needed.
    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut Meta) -> R) -> R {
        let mut meta = self.meta.lock();
        let result = change(&mut meta);
        let trash = (
            std::mem::take(&mut meta.trash),
            std::mem::take(&mut meta.spares.ended),
        );
        let waiting = meta.waiting > 0;
        self.used
            .store(u64::from(meta.space.used()) * self.page, Ordering::Relaxed);
        let chores = meta.has_chores();
        drop(meta);
        if chores {
            self.helper.wake();
        }
        if waiting {
            self.changed.notify_all();
        }
        drop(trash);
        result
    }

    /// Waits for a change.
    pub(crate) fn wait<'a>(&'a self, mut meta: MutexGuard<'a, Meta>) -> MutexGuard<'a, Meta> {
        meta.waiting += 1;
        let mut meta = self.changed.wait(meta);
        meta.waiting -= 1;
        meta
    }

    /// Waits until something has changed that may have made room, for so long at most: views end when garbage is collected.
    #[cfg(not(any(loom, shuttle)))]
    pub fn wait_for_change(&self, longest: std::time::Duration) {
        let mut meta = self.lock();
        meta.waiting += 1;
        self.changed.wait_for(meta, longest).waiting -= 1;
    }

    /// Learns how much the system's memory lets the store grow.
    pub(crate) fn ask_system(&self) -> Room {
        let filled = self.lock().space.filled();
        let room = room(self.memory_limit);
        let pages = room.bytes.div_euclid(self.page.cast_signed());
        self.lock()
            .space
            .set_ceiling(filled, pages, room.limit, Instant::now());
        room
    }

    /// Gives pages that were taken from the free ones back to the system.
    pub(crate) fn cool(&self, cool: &[Extent]) {
        failpoint!("store.cool");
        for extent in cool {
            // SAFETY: the pages were free and are not in the books now, so nobody has them.
            let result = unsafe { self.arenas[extent.lane].discard(extent.pages.clone()) };
            self.update(|meta| meta.space.cooled(extent, result.is_err()));
        }
    }

    pub(crate) fn parts<'a>(&'a self, extents: &[Extent]) -> Vec<Part<'a>> {
        let part = |extent: &Extent| Part {
            arena: &self.arenas[extent.lane],
            pages: extent.pages.clone(),
        };
        extents.iter().map(part).collect()
    }
}

/// Does what takes time, on a thread of its own.
#[derive(Default)]
struct Helper(Mutex<Option<Arc<dyn Fn() + Send + Sync>>>);

impl Helper {
    fn wake(&self) {
        let wake = self.0.lock().clone();
        if let Some(wake) = wake {
            wake();
        }
    }
}

impl fmt::Debug for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Helper")
    }
}

/// How much memory may be taken.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Room {
    /// Less than 0 when the limit is nearer than it should be.
    pub(crate) bytes: i64,
    /// The limit that leaves no more.
    pub(crate) limit: u64,
}

/// Asks the system; `configured` is a limit of our own. A tenth of every limit is to stay free.
pub(crate) fn room(configured: Option<u64>) -> Room {
    let cap = configured.unwrap_or(u64::MAX);
    let bounds = mobula_shm::memory().into_iter().map(|bound| {
        let limit = bound.limit.min(cap);
        let bytes = (limit - limit / HEADROOM).cast_signed() - bound.used.cast_signed();
        Room { bytes, limit }
    });
    let unbounded = Room {
        bytes: i64::MAX,
        limit: cap,
    };
    bounds.min().unwrap_or(unbounded)
}

/// The length of something that is in memory, and so has one that fits.
pub(crate) fn address_len(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}
