use std::cmp::Reverse;
use std::collections::BinaryHeap;

use mobula_sync::Mutex;

use crate::task::TaskId;

/// As few entries as this are kept even if their tasks have ended.
const FEW: usize = 64;

/// When the time of an attempt is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline {
    /// On the node's clock.
    pub(crate) at: u64,
    index: u32,
    generation: u32,
}

impl Deadline {
    pub(crate) fn task(&self) -> TaskId {
        TaskId {
            index: self.index,
            generation: self.generation,
        }
    }
}

/// The deadlines of attempts that have taken longer than a moment, earliest first.
///
/// An attempt that ends leaves its entry: nobody looks for it. Entries of attempts that have ended are dropped when they are
/// due, or when they may be as many as the others.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(Mutex<Heap>);

#[derive(Debug, Default)]
struct Heap {
    entries: BinaryHeap<Reverse<Deadline>>,
    /// Entries that were found to count, the last time they were gone through.
    counted: usize,
}

impl Deadlines {
    /// Adds one. `counts`: whether an attempt still goes on for which that deadline was set.
    pub(crate) fn add(&self, at: u64, task: TaskId, counts: impl Fn(&Deadline) -> bool) {
        let mut heap = self.0.lock();
        heap.entries.push(Reverse(Deadline {
            at,
            index: task.index,
            generation: task.generation,
        }));
        if heap.entries.len() > 2 * heap.counted.max(FEW) {
            heap.entries.retain(|Reverse(entry)| counts(entry));
            heap.counted = heap.entries.len();
        }
    }

    /// Takes the earliest that is due at `now`.
    pub(crate) fn due(&self, now: u64) -> Option<Deadline> {
        let mut heap = self.0.lock();
        if heap.entries.peek()?.0.at > now {
            return None;
        }
        heap.entries.pop().map(|Reverse(entry)| entry)
    }

    /// When the earliest is due.
    pub(crate) fn next(&self) -> Option<u64> {
        self.0.lock().entries.peek().map(|Reverse(entry)| entry.at)
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().entries.len()
    }
}
