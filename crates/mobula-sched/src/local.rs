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
    /// The job of the thread; written under the lock while there are none.
    job: AtomicU32,
    /// How many there are; written under the lock, read as a hint.
    len: AtomicU32,
}

impl LocalQueue {
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire) as usize
    }

    /// The next thread that has it is one of `job`.
    pub(crate) fn begin(&self, job: u32) {
        let tasks = self.tasks.lock();
        debug_assert!(tasks.is_empty(), "taken when the last thread ended");
        self.job.store(job, Ordering::Relaxed);
    }

    /// Whether there are tasks, and they are of `job`; a hint.
    pub(crate) fn has(&self, job: u32) -> bool {
        self.len() > 0 && self.job.load(Ordering::Relaxed) == job
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

    /// The job of the thread, how many there are, and what `look` says of the oldest, which stays; nothing if there are none.
    pub(crate) fn look<T>(&self, look: impl FnOnce(u32) -> T) -> Option<(u32, usize, T)> {
        if self.len() == 0 {
            return None;
        }
        let tasks = self.tasks.lock();
        let job = self.job.load(Ordering::Relaxed);
        tasks.front().map(|&task| (job, tasks.len(), look(task)))
    }

    /// Takes everything, if the thread is one of `job`.
    pub(crate) fn take_all_of(&self, job: u32) -> Vec<u32> {
        let mut tasks = self.tasks.lock();
        if self.job.load(Ordering::Relaxed) != job {
            // Another thread has the queue by now.
            return Vec::new();
        }
        self.len.store(0, Ordering::Release);
        std::mem::take(&mut *tasks).into()
    }

    /// Takes everything: the thread is gone.
    pub(crate) fn take_all(&self) -> Vec<u32> {
        let mut tasks = self.tasks.lock();
        self.len.store(0, Ordering::Release);
        std::mem::take(&mut *tasks).into()
    }

    /// Takes the newer half, for a thread of `job` that has nothing to do.
    pub(crate) fn steal(&self, job: u32) -> Vec<u32> {
        let mut tasks = self.tasks.lock();
        if self.job.load(Ordering::Relaxed) != job {
            // Another thread has the queue by now.
            return Vec::new();
        }
        // Of one task, that one.
        let keep = tasks.len() / 2;
        let stolen = tasks.split_off(keep).into();
        self.len.store(tasks.len() as u32, Ordering::Release);
        stolen
    }
}
