use std::sync::{Arc, Weak};
use std::thread::{self, Thread};

use mobula_sched::Node;
use mobula_store::Store;
use mobula_sync::atomic::{AtomicBool, Ordering};

/// A thread that does for the store what takes time: it sleeps until the store has something for it.
#[derive(Debug)]
pub(crate) struct Helper {
    thread: Thread,
    stop: Arc<AtomicBool>,
}

impl Helper {
    /// Starts the thread. It ends when it is stopped.
    pub(crate) fn start(node: Weak<Node>, store: &Arc<Store>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let weak = Arc::downgrade(store);
        let thread = thread::Builder::new()
            .name("mobula-helper".to_owned())
            .spawn(move || {
                // Acquire: pairs with the Release in `stop`.
                while !stopped.load(Ordering::Acquire) {
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
        Ok(Self { thread, stop })
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
