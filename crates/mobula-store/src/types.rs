use std::path::PathBuf;

/// What a [`Store`](crate::Store) is opened with.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The most bytes that buffers may hold in memory at one time; rounded down to whole pages.
    pub capacity: u64,
    /// Where the store has its file, without a name, for what does not fit into memory. It must exist by the time the
    /// store has to spill.
    pub spill_directory: PathBuf,
    /// The most memory, in bytes, that may be in use where this process is accounted (its control group,
    /// else the machine) before the store spills instead of growing; a tenth of it is kept as headroom.
    /// `None`: detect it.
    pub memory_limit: Option<u64>,
    /// The most mappings that views may have, and those kept for them. `None`: three quarters of what the system allows a
    /// process (`vm.max_map_count`); the rest is left to V8, which ends the process when it gets none.
    pub max_mappings: Option<u32>,
}

/// How many bytes of a buffer have a checksum of their own when it travels between nodes. The last piece may have fewer.
pub const PIECE: u64 = 4 << 20;

/// A buffer: an index into the store's table, valid while someone holds a reference to it.
///
/// It is reused after the last reference and the last view are gone. Using one without holding a
/// reference is a mistake of the caller; it can hit another buffer, never foreign memory.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BufferId(pub u32);

/// Whoever views and unsealed buffers are charged to: one JavaScript environment (thread).
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EnvId(pub u32);

/// One mapping of a buffer. Never reused, so that a late unmap does nothing.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ViewId(pub u64);

/// A mapping of a buffer into this process.
///
/// It is not unmapped on drop: give [`view`](Self::view) to [`Store::unmap`](crate::Store::unmap), which
/// takes effect once. Every view ends at the latest with the store.
#[derive(Debug)]
pub struct Mapping {
    /// What names this mapping to the store.
    pub view: ViewId,
    /// The first byte, aligned to a page; never null.
    pub ptr: *mut u8,
    /// The buffer's length in bytes.
    pub len: usize,
    /// Where the mapping comes from.
    pub origin: Origin,
}

/// Where the mapping of a view comes from.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// It is the first of its buffer, or a writer's, or the kernel does not tell which mappings can be used again.
    New,
    /// It was made, as there was none to be used again: earlier views of the buffer have not ended.
    Missed,
    /// It was an earlier view's.
    Reused,
}

// SAFETY: a mapping belongs to the process, not to a thread; the struct only names it, and using `ptr`
// takes `unsafe` of its own.
unsafe impl Send for Mapping {}

/// What a store holds and has done. All sizes are in bytes.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Stats {
    /// The most that buffers may hold in memory.
    pub capacity: u64,
    /// Held by buffers in memory, in whole pages.
    pub used: u64,
    /// Held from the operating system: `used`, and free pages kept for reuse.
    pub warm: u64,
    /// The part of `used` that cannot be evicted now: mapped, or not sealed yet.
    pub pinned: u64,
    /// Content of buffers that are only on disk.
    pub spilled: u64,
    /// Live buffers, in memory or on disk.
    pub buffers: u64,
    /// Live views.
    pub views: u64,
    /// Mappings kept for further views.
    pub spares: u64,
    /// Evictions since the store was opened.
    pub spills: u64,
    /// Buffers read back from disk since the store was opened.
    pub restores: u64,
    /// Held outside of the store, as [`Store::count_small`](crate::Store::count_small) was told; counts against `capacity`.
    pub small: u64,
}
