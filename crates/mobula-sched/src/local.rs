use std::collections::VecDeque;

use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicU32, Ordering};

/// The ready tasks that one thread has submitted itself.
///
/// Work stays where it was made: its arguments are in that core's cache, and nobody has to be woken. A worker that
/// runs out of tasks takes half of what another has.
#[derive(Debug, Default)]
pub(crate) struct LocalQueue {
    tasks: Mutex<VecDeque<u32>>,
    /// How many there are; written under the lock, read as a hint.
    len: AtomicU32,
}

impl LocalQueue {
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire) as usize
    }

    pub(crate) fn push_all(&self, ready: &[u32]) {
        let mut tasks = self.tasks.lock();
        tasks.extend(ready);
        self.len.store(tasks.len() as u32, Ordering::Release);
    }

    /// Takes the oldest task.
    pub(crate) fn pop(&self) -> Option<u32> {
        if self.len() == 0 {
            return None;
        }
        let mut tasks = self.tasks.lock();
        let task = tasks.pop_front();
        self.len.store(tasks.len() as u32, Ordering::Release);
        task
    }

    /// How many there are, and what `look` says of the oldest, which stays; nothing if there are none.
    pub(crate) fn look<T>(&self, look: impl FnOnce(u32) -> T) -> Option<(usize, T)> {
        if self.len() == 0 {
            return None;
        }
        let tasks = self.tasks.lock();
        tasks.front().map(|&task| (tasks.len(), look(task)))
    }

    /// Takes everything: the thread is gone.
    pub(crate) fn take_all(&self) -> Vec<u32> {
        let mut tasks = self.tasks.lock();
        self.len.store(0, Ordering::Release);
        std::mem::take(&mut *tasks).into()
    }

    /// Takes the newer half, for a thread that has nothing to do.
    pub(crate) fn steal(&self) -> Vec<u32> {
        let mut tasks = self.tasks.lock();
        // Of one task, that one.
        let keep = tasks.len() / 2;
        let stolen = tasks.split_off(keep).into();
        self.len.store(tasks.len() as u32, Ordering::Release);
        stolen
    }
}
