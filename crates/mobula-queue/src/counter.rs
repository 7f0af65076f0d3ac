use mobula_sync::atomic::{AtomicU32, Ordering};

/// How many arrivals a task still waits for.
///
/// The submitter arms the counter with one arrival more than there are arguments and makes the last
/// arrival itself once all are registered, so the task cannot become ready half-built.
#[derive(Debug, Default)]
pub struct ReadyCounter(AtomicU32);

impl ReadyCounter {
    /// Sets the number of arrivals to wait for. Nobody else may use the counter yet.
    pub fn arm(&self, arrivals: u32) {
        // Relaxed: the submitter publishes the task through the waiter word or the ready queue.
        self.0.store(arrivals, Ordering::Relaxed);
    }

    /// Counts one arrival; true for exactly one caller, the last.
    #[must_use]
    pub fn arrive(&self) -> bool {
        // AcqRel: the last arrival sees (Acquire) what every earlier one wrote (Release).
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
}
