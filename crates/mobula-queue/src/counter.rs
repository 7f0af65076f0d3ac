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

    /// Waits for one arrival more, the caller's, unless all have been made; false then. Until its arrival the caller knows that
    /// the last has not been made.
    #[must_use]
    pub fn join(&self) -> bool {
        let mut left = self.0.load(Ordering::Relaxed);
        while left > 0 {
            // Acquire: pairs with the Release half of `arrive`, through which the submitter made the task known.
            match self
                .0
                .compare_exchange_weak(left, left + 1, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => left = now,
            }
        }
        false
    }

    /// How many arrivals are still to be made. A hint, but for who is to make the last.
    #[must_use]
    pub fn left(&self) -> u32 {
        // Acquire: pairs with the Release half of `arrive`: 1 means that all others have arrived.
        self.0.load(Ordering::Acquire)
    }

    /// Counts one arrival; true for exactly one caller, the last.
    #[must_use]
    pub fn arrive(&self) -> bool {
        // AcqRel: the last arrival sees (Acquire) what every earlier one wrote (Release).
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
}
