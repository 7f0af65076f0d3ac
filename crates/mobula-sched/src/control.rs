//! The watchdog's look at busy threads, and time limits.

use mobula_fault::failpoint;
use mobula_sync::atomic::Ordering;

use crate::failure::Failure;
use crate::node::Node;
use crate::object::NONE;
use crate::port::{Inner, PortKind};
use crate::task::{State, TaskId};
use crate::turn::Turn;

/// A batch that takes longer than this is looked at by the watchdog.
const LONG_BATCH_NANOSECONDS: u64 = 1_000_000;

impl Node {
    /// An attempt's time is up: settles it if it still runs, and gives the port whose thread has begun it.
    pub fn expire(&self, task: TaskId, attempt: u32) -> Option<u32> {
        let cell = self.tasks.find(task.index)?;
        let port = cell.port.load(Ordering::Relaxed);
        if port == NONE {
            return None;
        }
        let port = self.port(port as u16);
        // Under its lock the port neither gives the task back nor runs it again.
        let mut inner = port.inner.lock();
        let there = self.is_at(task.index, port.id) && cell.state() == (State::Taken, task.generation);
        if !there || cell.attempt() != attempt {
            return None;
        }
        let begun = self.visit(port, &mut inner, |turn, inner| {
            failpoint!("task.expire");
            Ok(turn.stop(task, Failure::TimedOut, false) && turn.has_begun(inner, task))
        });
        begun.unwrap_or(false).then_some(u32::from(port.id))
    }

    /// Whether the thread of `port` has to end for a settled task to end: it has begun it. If it has not, the task is taken
    /// back; if it is done with it, nothing is left to end.
    pub fn must_end(&self, port: u16, task: TaskId) -> bool {
        if task.index == NONE {
            return true;
        }
        if u32::from(port) >= self.ports_made() {
            return false;
        }
        let port = self.port(port);
        let mut inner = port.inner.lock();
        let begun = self.visit(port, &mut inner, |turn, inner| Ok(turn.has_begun(inner, task)));
        begun.unwrap_or(false)
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
            // If that goes wrong the port is poisoned, and its thread told to end.
            let _ = self.visit(&port, &mut inner, |turn, inner| {
                failpoint!("watchdog.look");
                turn.catch_up(inner)?;
                if inner.kind == PortKind::Worker {
                    for slot in 0..inner.batch.len() {
                        let task = inner.batch[slot];
                        if task != NONE && turn.reclaim(inner, slot, task) {
                            inner.batch[slot] = NONE;
                            failpoint!("watchdog.put_back");
                            turn.take_back_refs(task);
                            turn.put_back(task);
                        }
                    }
                }
                Ok(())
            });
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
    /// Whether this visit's thread has begun a task that was settled. One that it was handed, but has not begun, is let go.
    fn has_begun(&mut self, inner: &mut Inner, task: TaskId) -> bool {
        let cell = self.node.tasks.get(task.index);
        if cell.state().1 != task.generation || !self.node.is_at(task.index, self.port) {
            return false;
        }
        if inner.returned.contains(&task.index) {
            // It was handed back, and is let go when its turn comes.
            return false;
        }
        let slot = inner.batch.iter().position(|&other| other == task.index);
        let Some(slot) = slot.filter(|&slot| self.reclaim(inner, slot, task.index)) else {
            return true;
        };
        inner.batch[slot] = NONE;
        self.take_back_refs(task.index);
        self.release_resources(task.index);
        self.call_ended(task.index);
        self.let_go(task.index);
        false
    }

    /// A task that was handed to a thread, but not begun, waits in its queue again.
    pub(crate) fn put_back(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        self.in_hand = task;
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
