//! The one door to atomics, cells, locks and threads.
//!
//! Every other crate takes its concurrency primitives from here, so that `RUSTFLAGS="--cfg loom"`
//! (or `shuttle`) replaces all of them at once and the models run the very code that ships.

#[cfg(shuttle)]
pub mod explore;
mod lock;
mod padded;
mod prefetch;

pub use lock::{Condvar, Mutex, MutexGuard};
pub use padded::CachePadded;
pub use prefetch::prefetch;

/// Atomic integers and fences.
pub mod atomic {
    #[cfg(loom)]
    pub use loom::sync::atomic::{
        AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
    #[cfg(shuttle)]
    pub use shuttle::sync::atomic::{
        AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
    #[cfg(not(any(loom, shuttle)))]
    pub use std::sync::atomic::{
        AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
}

/// A cell whose accesses loom can check.
pub mod cell {
    #[cfg(loom)]
    pub use loom::cell::UnsafeCell;

    /// `std::cell::UnsafeCell` behind loom's closure interface.
    #[cfg(not(loom))]
    #[derive(Debug, Default)]
    #[repr(transparent)]
    pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    #[cfg(not(loom))]
    impl<T> UnsafeCell<T> {
        /// Wraps `value`.
        pub const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Calls `read` with a pointer that must only be read through.
        #[inline(always)]
        #[expect(clippy::inline_always, reason = "must cost nothing over a plain pointer")]
        pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        /// Calls `write` with a pointer that nobody else may use meanwhile.
        #[inline(always)]
        #[expect(clippy::inline_always, reason = "must cost nothing over a plain pointer")]
        pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}

/// Threads and spin hints.
pub mod thread {
    #[cfg(loom)]
    pub use loom::thread::{spawn, yield_now};
    #[cfg(shuttle)]
    pub use shuttle::thread::{spawn, yield_now};
    #[cfg(not(any(loom, shuttle)))]
    pub use std::thread::{spawn, yield_now};

    /// Tells the processor (or the model's scheduler) that this thread is waiting for another.
    #[inline]
    pub fn pause() {
        #[cfg(loom)]
        loom::thread::yield_now();
        #[cfg(shuttle)]
        shuttle::thread::yield_now();
        #[cfg(not(any(loom, shuttle)))]
        std::hint::spin_loop();
    }
}
