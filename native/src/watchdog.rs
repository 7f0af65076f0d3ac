use std::sync::{Arc, Weak};
use std::thread::{self, Thread};
use std::time::Duration;

use mobula_sched::{Bell, Node};
use mobula_sync::atomic::{AtomicBool, Ordering};

/// Wakes the watchdog's thread.
#[derive(Debug)]
pub(crate) struct Watchdog {
    thread: Thread,
    stop: Arc<AtomicBool>,
}

impl Watchdog {
    /// Starts the thread. It ends when the node is dropped or the watchdog stopped.
    pub(crate) fn start(node: Weak<Node>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("mobula-watchdog".to_owned())
            .spawn(move || {
                while !stopped.load(Ordering::Acquire) {
                    let Some(node) = node.upgrade() else { return };
                    let pause = node.tick();
                    drop(node);
                    match pause {
                        Some(nanoseconds) => thread::park_timeout(Duration::from_nanos(nanoseconds)),
                        None => thread::park(),
                    }
                }
            })?;
        Ok(Self {
            thread: thread.thread().clone(),
            stop,
        })
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Bell for Watchdog {
    fn ring(&self) {
        self.thread.unpark();
    }
}
