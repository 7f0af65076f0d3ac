//! The watchdog's look at busy threads, and time limits.

use mobula_fault::failpoint;
use mobula_sync::atomic::Ordering;

use crate::failure::Failure;
use crate::node::Node;
use crate::object::NONE;
use crate::port::PortKind;
use crate::task::{State, TaskId};
use crate::turn::Turn;

/// A batch that takes longer than this is looked at by the watchdog.
const LONG_BATCH_NANOSECONDS: u64 = 1_000_000;

impl Node {
    /// An attempt's time is up: settles it if it still runs, and gives the port that runs it.
    pub fn expire(&self, task: TaskId, attempt: u32) -> Option<u32> {
        let cell = self.tasks.get(task.index);
        if cell.state() != (State::Taken, task.generation) || cell.attempt() != attempt {
            return None;
        }
        let port = cell.port.load(Ordering::Relaxed);
        let mut turn = Turn::new(self, 0);
        failpoint!("task.expire");
        let stopped = turn.stop(task, Failure::TimedOut, false);
        turn.finish_alone();
        (stopped && port != NONE).then_some(port)
    }

    /// Looks after threads that are busy with one batch for long: results that lie ready are passed on, and
    /// tasks that were not begun go to others. True if any thread has a batch.
    pub fn tick(&self) -> bool {
        let mut any = false;
        for port in self.all_ports() {
            let Some(mut inner) = port.inner.try_lock() else {
                any = true;
                continue;
            };
            if inner.batch.is_empty() {
                continue;
            }
            any = true;
            if self.clock.now().saturating_sub(inner.batch_began) < LONG_BATCH_NANOSECONDS {
                continue;
            }
            failpoint!("watchdog.look");
            let mut turn = Turn::begin(self, port.id, &mut inner);
            let published = inner.regions.published();
            if published > inner.consumed {
                turn.harvest(&mut inner, published);
            }
            if inner.kind == PortKind::Worker {
                for slot in 0..inner.batch.len() {
                    if inner.batch[slot] != NONE && inner.regions.reclaim(slot) {
                        let task = std::mem::replace(&mut inner.batch[slot], NONE);
                        failpoint!("watchdog.put_back");
                        turn.take_back_refs(task);
                        turn.put_back(task);
                    }
                }
            }
            turn.finish(&mut inner);
            // The thread may have counted on doing soon what it left in the queues.
            if self.has_work() {
                self.wake_for_work();
            }
        }
        if any {
            return true;
        }
        self.watching.store(false, Ordering::SeqCst);
        // A batch that began after its port was looked at found the watchdog up, and did not ring it.
        let begun = self.any_port(|port| port.inner.try_lock().is_none_or(|inner| !inner.batch.is_empty()));
        begun && !self.watching.swap(true, Ordering::SeqCst)
    }
}

impl Turn<'_> {
    /// A task that was handed to a thread, but not begun, waits in its queue again.
    pub(crate) fn put_back(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        self.release_resources(task);
        let (state, generation) = cell.state();
        failpoint!("task.put_back");
        // From here on a queue holds the task: the burial of this port must not find it.
        cell.port.store(NONE, Ordering::Relaxed);
        if state == State::Ready || cell.shift(generation, State::Taken, State::Ready) {
            self.enqueue(task);
        } else {
            self.let_go(task);
        }
    }
}
