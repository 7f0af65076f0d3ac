//! What all threads, or one from outside of it, are asked: to collect garbage, to end actors, to end.

use mobula_sync::atomic::Ordering;

use crate::node::Node;
use crate::object::NONE;
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

    /// Tells all threads but the main one that their actors are gone: the runtime is closed.
    pub fn stop_actors(&self) {
        let main = self.main_port.load(Ordering::Acquire);
        for port in self.all_ports().iter().filter(|port| u32::from(port.id) != main) {
            port.post(&mut vec![Event::StopActors]);
        }
    }

    /// Rings the main thread's bell: there is news beside the core's.
    pub fn ring_main(&self) {
        let main = self.main_port.load(Ordering::Acquire);
        if main != NONE {
            self.port(main as u16).ring();
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
