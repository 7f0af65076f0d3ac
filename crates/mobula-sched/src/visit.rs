//! A thread's visits to the core, one after another, and the end of those that go wrong.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use mobula_sync::atomic::Ordering;

use crate::node::Node;
use crate::object::NONE;
use crate::port::{Event, Inner, Port};
use crate::turn::Turn;
use crate::violation::{PortError, Violation};

/// Runs `body`; nothing if it panics. A model has to see the panic itself.
pub(crate) fn guarded<R>(body: impl FnOnce() -> R) -> std::thread::Result<R> {
    if cfg!(any(loom, shuttle)) {
        return Ok(body());
    }
    catch_unwind(AssertUnwindSafe(body))
}

impl Node {
    /// One visit of the thread of `port`, whose lock the caller holds: `body` and all that follows from it. If it breaks
    /// the protocol or panics, the port is poisoned: it is never served again, and its thread is told to end.
    pub(crate) fn visit<R>(
        &self,
        port: &Port,
        inner: &mut Inner,
        body: impl FnOnce(&mut Turn<'_>, &mut Inner) -> Result<R, Violation>,
    ) -> Result<R, PortError> {
        if let Some(why) = inner.poison {
            return Err(why);
        }
        if !inner.open {
            return Err(PortError::Closed);
        }
        let mut turn = Turn::begin(self, port.id, inner);
        let outcome = guarded(|| {
            let outcome = body(&mut turn, inner);
            turn.pass_on();
            outcome
        });
        let outcome = if let Ok(outcome) = outcome {
            outcome.map_err(PortError::Violation)
        } else {
            turn.rescue();
            Err(PortError::Panicked)
        };
        turn.give_back(inner);
        if let Err(why) = outcome {
            inner.poison = Some(why);
            self.end_thread(port);
        }
        outcome
    }

    /// A visit on behalf of no thread. A panic goes on, once what the visit has in hand is settled and passed on.
    pub(crate) fn alone<R>(&self, port: u16, body: impl FnOnce(&mut Turn<'_>) -> R) -> R {
        let _alone = self.alone.lock();
        let mut turn = Turn::new(self, port);
        let outcome = guarded(|| {
            let outcome = body(&mut turn);
            turn.pass_on();
            outcome
        });
        if outcome.is_err() {
            turn.rescue();
        }
        turn.finish_alone();
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Has the main thread end the thread of `port`, unless that is its own.
    fn end_thread(&self, port: &Port) {
        let main = self.main_port.load(Ordering::Acquire);
        if main != NONE && main != u32::from(port.id) {
            let kill = Event::KillPort {
                port: port.id,
                life: port.life(),
                task: None,
            };
            self.port(main as u16).post(&mut vec![kill]);
        }
    }
}

impl Turn<'_> {
    /// The visit has panicked. What it had in hand is settled, with an error where it is not known how far that had come, and
    /// all it had put off is passed on: others wait for it.
    pub(crate) fn rescue(&mut self) {
        // Each step by itself: what made the visit panic may be met again.
        let _ = guarded(|| self.settle_begun());
        let _ = guarded(|| self.settle_in_hand());
        let _ = guarded(|| self.settle_actor());
        let _ = guarded(|| self.settle_doomed());
        let _ = guarded(|| self.tell_the_rest());
        let _ = guarded(|| self.pass_on());
    }
}
