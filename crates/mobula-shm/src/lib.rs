//! The door to the operating system: arenas of shared memory, what memory and how many processors this
//! process may use.
//!
//! * [`Arena`]: sparse memory behind a file descriptor, without a name in the file system, so that nothing
//!   is left when the process dies. Pages get memory only by calls that report failure
//!   ([`Arena::write_fresh`], [`Arena::allocate`]); touching an allocated page never raises `SIGBUS`.
//! * [`map`]: further mappings of ranges of arenas, copied on write, as many as [`Mappings`] allows; [`Pagemap`] tells whether one was
//!   written to.
//! * [`open_shared`] and [`map_shared`]: memory that outlives the process, for a reader that has opened its descriptor.
//! * [`expect_reading`]: for memory of others that is about to be copied.
//! * [`trim_heap`]: freed memory for the system.
//! * [`memory`], [`memory_limit`], [`processors`] and [`cpu_quota`]: limits, control groups included.
//!
//! Everything that knows the system is in `linux/`; macOS and Windows will be siblings of it.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
pub use linux::{
    Arena, Mapped, Mappings, Memory, Pagemap, Part, Shared, cpu_quota, expect_reading, huge_pages, map,
    map_shared, memory, memory_limit, open_shared, page_size, processors, trim_heap,
};
