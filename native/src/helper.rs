use std::sync::{Arc, Weak};
use std::thread::{self, Thread};

use mobula_sched::Node;
use mobula_store::Store;
use mobula_sync::atomic::{AtomicBool, Ordering};

/// What the helper is told.
#[derive(Debug, Default)]
struct Orders {
    stop: AtomicBool,
    trim: AtomicBool,
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
            .spawn(move || {
                // Acquire: pairs with the Release in `stop`.
                while !told.stop.load(Ordering::Acquire) {
                    // Acquire: pairs with the Release in `trim`.
                    if told.trim.swap(false, Ordering::Acquire) {
                        mobula_shm::trim_heap();
                    }
                    let (Some(node), Some(store)) = (node.upgrade(), weak.upgrade()) else {
                        return;
                    };
                    for env in store.take_orphan_keepers() {
                        node.ask_worker_to_collect(env.0 as u16);
                    }
                    if store.make_huge() {
                        continue;
                    }
                    let again = store.relieve();
                    drop((node, store));
                    again.map_or_else(thread::park, thread::park_timeout);
                }
            })?;
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
