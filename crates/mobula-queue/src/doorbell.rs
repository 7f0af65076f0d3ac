use mobula_sync::atomic::{AtomicU32, Ordering, fence};

const AWAKE: u32 = 0;
const ASLEEP: u32 = 1;

/// Whether a consumer sleeps and must be rung.
///
/// The classic two-flag handshake. The consumer announces that it sleeps, then looks once more for
/// work; a producer publishes work, then looks whether the consumer sleeps. The two fences order
/// each side's write before its read, so at least one of them sees the other.
#[derive(Debug, Default)]
pub struct Doorbell(AtomicU32);

impl Doorbell {
    /// Consumer: announces sleep. `has_work` is asked afterwards; if it says yes the consumer stays
    /// awake. True: the consumer may sleep until it is rung.
    pub fn sleep_unless(&self, has_work: impl FnOnce() -> bool) -> bool {
        self.0.store(ASLEEP, Ordering::Relaxed);
        // Pairs with the fence in `ring`.
        fence(Ordering::SeqCst);
        if has_work() {
            self.awake();
            return false;
        }
        true
    }

    /// Consumer: it is up, whoever woke it.
    pub fn awake(&self) {
        self.0.store(AWAKE, Ordering::Relaxed);
    }

    /// Producer, after publishing work: true if the caller must ring. One caller is told so per sleep.
    #[must_use]
    pub fn ring(&self) -> bool {
        // Pairs with the fence in `sleep_unless`.
        fence(Ordering::SeqCst);
        // The load keeps the line shared while the consumer is awake, which is the common case.
        self.0.load(Ordering::Relaxed) == ASLEEP && self.0.swap(AWAKE, Ordering::Relaxed) == ASLEEP
    }
}
