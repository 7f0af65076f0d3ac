use std::sync::{Arc, Weak};
use std::thread::{self, Thread};
use std::time::Duration;

use mobula_sched::{Bell, Node};
use mobula_sync::atomic::{AtomicBool, Ordering};

/// How often threads with a batch are looked at.
const PERIOD: Duration = Duration::from_millis(2);

/// How often what waits for resources is looked at.
const WAITS_PERIOD: Duration = Duration::from_millis(100);

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
                    let busy = node.tick();
                    let waits = node.look_at_waits(busy);
                    drop(node);
                    if busy {
                        thread::sleep(PERIOD);
                    } else if waits {
                        thread::park_timeout(WAITS_PERIOD);
                    } else {
                        thread::park();
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
