//! What the scheduler needs from the outside.

use std::fmt;

/// A buffer of the object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffer {
    /// The store's name for it.
    pub id: u32,
    /// Its length in bytes.
    pub len: u64,
}

/// The object store's reference counts.
pub trait BufferStore: Send + Sync + fmt::Debug {
    /// The reference that storing the buffer gave to the thread of `port` is a value's from now on, and does not end with the
    /// thread. False, and nothing changes, if that thread has no such reference.
    fn adopt(&self, buffer: Buffer, port: u16) -> bool;
    /// Counts one more reference.
    fn retain(&self, buffer: Buffer);
    /// Counts one reference less; at zero the buffer is freed.
    fn release(&self, buffer: Buffer);
    /// Values that are no buffers take so many bytes more. They count against the store's capacity.
    fn count_small(&self, change: i64);
    /// The bytes that the store has room for in memory.
    fn capacity(&self) -> u64;
    /// Whether there is more than the store has capacity for.
    fn is_tight(&self) -> bool;
}

/// Wakes the event loop of one thread.
pub trait Bell: Send + Sync + fmt::Debug {
    /// Makes the thread call `step` soon. Must not block and may be called from any thread, also
    /// after the thread has ended.
    fn ring(&self);
}

/// Nanoseconds on a clock that never goes back.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now.
    fn now(&self) -> u64;
}
