//! Threads are asked to collect garbage, or to end.

use mobula_sync::atomic::Ordering;

use crate::node::Node;
#[cfg(feature = "failpoints")]
use crate::object::NONE;
#[cfg(feature = "failpoints")]
use crate::port::Event;

impl Node {
    /// Asks all threads but one to collect garbage: the object store is full of views.
    pub fn ask_to_collect(&self, asking: u16) {
        for port in self.all_ports().into_iter().filter(|port| port.id != asking) {
            port.ask_to_collect();
        }
    }

    /// Asks a thread to collect garbage, unless it is the driver's, whose program may not want to be held up.
    pub fn ask_worker_to_collect(&self, port: u16) {
        if self.main_port.load(Ordering::Acquire) != u32::from(port) {
            self.port(port).ask_to_collect();
        }
    }

    /// Has the main thread stop the thread of `port`.
    #[cfg(feature = "failpoints")]
    pub fn stop_thread(&self, port: u16) {
        let main = self.main_port.load(Ordering::Acquire);
        if main != NONE {
            let life = self.port(port).life();
            self.port(main as u16).post(&mut vec![Event::KillPort {
                port,
                life,
                task: None,
            }]);
        }
    }
}
