use std::collections::VecDeque;

use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicUsize, Ordering};
use mobula_sync::thread::pause;

use crate::Ring;

/// The queue of ready tasks: lock-free while it is short, unbounded when it is not.
///
/// Tasks that do not fit into the ring go to the overflow; while it holds anything, new tasks queue
/// up behind it, so a producer's tasks stay in the order in which it pushed them. Consumers refill the
/// ring from the overflow whenever they find the ring empty.
#[derive(Debug)]
pub struct ReadyQueue {
    ring: Ring,
    overflow: Mutex<VecDeque<u32>>,
    /// Items in the overflow. Written under its lock; lowered only after the items are in the ring.
    overflowing: AtomicUsize,
    refill: usize,
}

impl ReadyQueue {
    /// A queue whose lock-free part holds `capacity` tasks (a power of two).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            ring: Ring::new(capacity),
            overflow: Mutex::new(VecDeque::new()),
            overflowing: AtomicUsize::new(0),
            refill: capacity,
        }
    }

    /// Appends `items` in order.
    pub fn push_all(&self, items: &[u32]) {
        let mut rest = items;
        // Acquire: pairs with the Release in `refill`; seeing 0 means the overflow's items are in the ring.
        if self.overflowing.load(Ordering::Acquire) == 0 {
            while let Some((&first, others)) = rest.split_first() {
                if self.ring.push(first).is_err() {
                    break;
                }
                rest = others;
            }
        }
        if !rest.is_empty() {
            let mut overflow = self.overflow.lock();
            overflow.extend(rest);
            self.overflowing.store(overflow.len(), Ordering::Release);
        }
    }

    /// Takes the oldest task.
    pub fn pop(&self) -> Option<u32> {
        loop {
            if let Some(item) = self.ring.pop() {
                return Some(item);
            }
            if self.overflowing.load(Ordering::Acquire) == 0 || !self.refill() {
                return self.ring.pop();
            }
            // A full ring whose oldest place is claimed but not filled yet: its producer is at it.
            pause();
        }
    }

    /// Moves tasks from the overflow into the ring; true if there were any.
    fn refill(&self) -> bool {
        let mut overflow = self.overflow.lock();
        let before = overflow.len();
        for _ in 0..self.refill {
            let Some(&first) = overflow.front() else { break };
            if self.ring.push(first).is_err() {
                break;
            }
            overflow.pop_front();
        }
        // Release: pairs with the Acquire in `push_all`.
        self.overflowing.store(overflow.len(), Ordering::Release);
        before > 0
    }

    /// About how many tasks wait.
    pub fn len(&self) -> usize {
        self.ring.len() + self.overflowing.load(Ordering::Relaxed)
    }

    /// Whether `len` is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
