use std::fmt;
use std::ops::{Deref, DerefMut};

#[cfg(loom)]
use loom::sync as imp;
#[cfg(shuttle)]
use shuttle::sync as imp;
#[cfg(not(any(loom, shuttle)))]
use std::sync as imp;

/// A mutex that a panicking holder does not poison: every critical section in the core leaves its
/// data consistent at each step, so going on is always right.
#[derive(Default)]
pub struct Mutex<T>(imp::Mutex<T>);

/// The right to use what a [`Mutex`] guards.
pub struct MutexGuard<'a, T>(imp::MutexGuard<'a, T>);

impl<T> Mutex<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Self(imp::Mutex::new(value))
    }

    /// Waits for the lock.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock().unwrap_or_else(imp_into_inner))
    }

    /// Takes the lock if nobody holds it.
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(MutexGuard(guard)),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(MutexGuard(poisoned.into_inner())),
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }
}

fn imp_into_inner<G>(poisoned: std::sync::PoisonError<G>) -> G {
    poisoned.into_inner()
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex")
    }
}

impl<T> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MutexGuard")
    }
}

/// Lets threads wait until what a [`Mutex`] guards has changed.
#[derive(Default)]
pub struct Condvar(imp::Condvar);

impl Condvar {
    /// Makes one that nobody waits for.
    #[must_use]
    pub fn new() -> Self {
        Self(imp::Condvar::new())
    }

    /// Gives the lock back, waits to be notified, and takes the lock again. May wake without reason.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        MutexGuard(self.0.wait(guard.0).unwrap_or_else(imp_into_inner))
    }

    /// As [`wait`](Self::wait), for so long at most.
    #[cfg(not(any(loom, shuttle)))]
    pub fn wait_for<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        longest: std::time::Duration,
    ) -> MutexGuard<'a, T> {
        MutexGuard(
            self.0
                .wait_timeout(guard.0, longest)
                .unwrap_or_else(imp_into_inner)
                .0,
        )
    }

    /// Wakes all that wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Condvar")
    }
}
