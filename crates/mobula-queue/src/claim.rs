use mobula_sync::atomic::{AtomicU32, Ordering};

const TAKEN: u32 = 0;
const OPEN: u32 = 1;

/// Whether a task that was handed to a thread has been begun: one word, which the thread's JavaScript
/// and the core both exchange.
///
/// 1. The core offers the task; after that the thread may claim it and the core may reclaim it.
/// 2. Both do so by an exchange, so exactly one of them has the task afterwards.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'w>(pub &'w AtomicU32);

impl Claim<'_> {
    /// Core: the thread may begin the task from now on.
    pub fn offer(self) {
        // Release: pairs with the exchange in `claim`; the thread sees the task's record.
        self.0.store(OPEN, Ordering::Release);
    }

    /// Core: takes the task back; false if the thread has begun it.
    #[must_use]
    pub fn reclaim(self) -> bool {
        self.exchange()
    }

    /// Thread: begins the task; false if the core has taken it back. JavaScript does the same with
    /// `Atomics.exchange(control, slot, 0) === 1`.
    #[must_use]
    pub fn claim(self) -> bool {
        self.exchange()
    }

    /// Core: whether the task is neither begun nor taken back. A hint: either may happen at once.
    #[must_use]
    pub fn is_open(self) -> bool {
        self.0.load(Ordering::Relaxed) == OPEN
    }

    fn exchange(self) -> bool {
        // AcqRel: the loser sees what the winner did before (rule 2).
        self.0.swap(TAKEN, Ordering::AcqRel) == OPEN
    }
}
