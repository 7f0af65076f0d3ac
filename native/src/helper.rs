use std::sync::{Arc, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use mobula_sched::Node;
use mobula_store::Store;
use mobula_sync::atomic::{AtomicBool, Ordering};

/// Least time between two trims: each holds up whoever allocates meanwhile.
const TRIM_EVERY: Duration = Duration::from_secs(1);

/// What the helper is told.
#[derive(Debug, Default)]
struct Orders {
    stop: AtomicBool,
    trim: AtomicBool,
}

impl Orders {
    fn take_trim(&self) -> bool {
        // Acquire: pairs with the Release in `Helper::trim`.
        self.trim.swap(false, Ordering::Acquire)
    }
}

/// A thread that does what takes time, and sleeps until there is some of it: it looks after the store, and after the memory
/// that ended threads have left behind.
#[derive(Debug)]
pub(crate) struct Helper {
    thread: Thread,
    orders: Arc<Orders>,
}

impl Helper {
    /// Starts the thread. It ends when it is stopped.
    pub(crate) fn start(node: Weak<Node>, store: &Arc<Store>) -> std::io::Result<Self> {
        let orders = Arc::new(Orders::default());
        let told = Arc::clone(&orders);
        let weak = Arc::downgrade(store);
        let thread = thread::Builder::new()
            .name("mobula-helper".to_owned())
            .spawn(move || attend(&told, &node, &weak))?;
        let thread = thread.thread().clone();
        let bell = thread.clone();
        store.set_helper(move || bell.unpark());
        Ok(Self { thread, orders })
    }

    /// A thread has ended: what it has freed goes back to the system.
    pub(crate) fn trim(&self) {
        self.orders.trim.store(true, Ordering::Release);
        self.thread.unpark();
    }

    pub(crate) fn stop(&self) {
        self.orders.stop.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// What the thread does until it is stopped, or what it serves is gone.
fn attend(told: &Orders, node: &Weak<Node>, store: &Weak<Store>) {
    let mut last_trim: Option<Instant> = None;
    // Acquire: pairs with the Release in `Helper::stop`.
    while !told.stop.load(Ordering::Acquire) {
        let wait = last_trim.map_or(Duration::ZERO, |last| TRIM_EVERY.saturating_sub(last.elapsed()));
        if wait.is_zero() && told.take_trim() {
            mobula_shm::trim_heap();
            last_trim = Some(Instant::now());
        }
        let (Some(node), Some(store)) = (node.upgrade(), store.upgrade()) else {
            break;
        };
        for env in store.take_orphan_keepers() {
            node.ask_worker_to_collect(env.0 as u16);
        }
        if store.make_huge() {
            continue;
        }
        let relieve = store.relieve();
        drop((node, store));
        let trim = told.trim.load(Ordering::Relaxed).then_some(wait);
        let again = relieve.into_iter().chain(trim).min();
        again.map_or_else(thread::park, thread::park_timeout);
    }
    if told.take_trim() {
        mobula_shm::trim_heap();
    }
}
