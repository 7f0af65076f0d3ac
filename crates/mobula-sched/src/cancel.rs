//! Cancelling tasks, and the end of all.

use mobula_fault::failpoint;
use mobula_sync::atomic::Ordering;

use crate::failure::Failure;
use crate::node::Node;
use crate::object::{NONE, Object};
use crate::port::{Event, Inner};
use crate::task::{State, Task, TaskId};
use crate::turn::Turn;

/// How a task is stopped that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct How {
    /// Its thread may be ended.
    pub(crate) force: bool,
    /// So is all that it has submitted.
    pub(crate) recursive: bool,
}

impl Turn<'_> {
    fn producer(&self, object: u32) -> Option<TaskId> {
        let cell: &Object = self.node.objects.get(object);
        TaskId::unpack(cell.producer.load(Ordering::Relaxed)).filter(|&id| self.find(id).is_some())
    }

    /// Cancels the task that makes `object`, and, if `recursive`, all that it submitted.
    pub(crate) fn cancel(&mut self, object: u32, force: bool, recursive: bool) {
        let Some(id) = self.producer(object) else { return };
        failpoint!("cancel.found");
        let mut ids = vec![id];
        while let Some(id) = ids.pop() {
            if recursive {
                ids.extend(self.node.tasks.get(id.index).children(id.generation));
            }
            self.stop(id, Failure::Cancelled, How { force, recursive });
        }
    }

    /// Settles a task with `failure`, wherever it is; true if it was not settled yet.
    pub(crate) fn stop(&mut self, id: TaskId, failure: Failure, how: How) -> bool {
        self.stop_because(id, failure, &[], how)
    }

    pub(crate) fn stop_because(&mut self, id: TaskId, failure: Failure, details: &[u8], how: How) -> bool {
        let cell: &Task = self.node.tasks.get(id.index);
        loop {
            let (state, generation) = cell.state();
            if generation != id.generation || !matches!(state, State::Waiting | State::Ready | State::Taken) {
                return false;
            }
            if !self.begin_settling(id.index, generation, state) {
                continue;
            }
            if state == State::Taken {
                // None: its port is just giving it back, unbegun.
                let port = cell.port.load(Ordering::Relaxed);
                if port != NONE {
                    self.stop_attempt(id, port as u16, how);
                }
            }
            self.settle_stopped(id, state, failure, details);
            return true;
        }
    }

    /// Settles a task that was in `state` before the caller became its settler.
    fn settle_stopped(&mut self, id: TaskId, state: State, failure: Failure, details: &[u8]) {
        if state == State::Ready {
            self.settled_in_line(id.index);
        }
        failpoint!("cancel.settling");
        self.fail_by_system(id.index, failure, details);
        self.creation_stopped(id.index, failure);
        self.settler_leaves(id.index);
    }

    /// Cancels the task that makes `object` if no thread has it: it is to run on another node.
    pub(crate) fn cancel_unbegun(&mut self, object: u32) {
        let Some(id) = self.producer(object) else { return };
        loop {
            let (state, generation) = self.node.tasks.get(id.index).state();
            if generation != id.generation || !matches!(state, State::Waiting | State::Ready) {
                return;
            }
            if self.begin_settling(id.index, generation, state) {
                self.settle_stopped(id, state, Failure::Cancelled, &[]);
                return;
            }
        }
    }

    /// Tells where the attempt of a settled task may go on that it is to stop.
    fn stop_attempt(&mut self, task: TaskId, port: u16, how: How) {
        if self.node.forwarding.is_agent(u32::from(port)) {
            // The agent has it stopped where it runs.
            self.post(port, Event::StopTask { task, how });
        } else if how.force {
            // The thread hears nothing: an attempt that heard of it might end by itself before its thread is stopped, and
            // whether an actor lives on would be a matter of luck.
            let life = self.node.port(port).life();
            let task = Some(task);
            self.post_main(Event::KillPort { port, life, task });
        } else {
            let how = How::default();
            self.post(port, Event::StopTask { task, how });
        }
    }

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
        self.holder_leaves(task.index);
        false
    }

    /// A task that waits was settled: if it is in a line, it counts no more. The caller is its settler.
    fn settled_in_line(&mut self, task: u32) {
        // SAFETY: the caller has moved the task to `Settling`.
        let spec = unsafe { self.node.tasks.get(task).spec() };
        if self.node.forwarding.is_there() || spec.template.spec.forward.is_some() {
            let cell = self.node.tasks.get(task);
            if self.node.forwarding.settled(spec, cell) {
                self.tell_agent();
            }
        }
    }

    /// The consumer of a stream has room for more items.
    pub(crate) fn credit(&mut self, object: u32, items: u32) {
        let Some(id) = self.producer(object) else { return };
        let cell = self.node.tasks.get(id.index);
        if cell.state() == (State::Taken, id.generation) {
            let port = cell.port.load(Ordering::Relaxed);
            if port != NONE {
                self.post(port as u16, Event::Credit { task: id, items });
            }
        }
    }
}

impl Node {
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

    /// The node closes: true if nothing is in flight. Otherwise the main thread is rung whenever a task has ended, and told when
    /// nothing is in flight.
    pub fn drain(&self) -> bool {
        // SeqCst, with `end_counting`: it sees that the node closes, or the count seen here has fallen.
        self.closing.store(true, Ordering::SeqCst);
        self.live_tasks() == 0
    }

    /// Fails every task that is not settled: the runtime is closed. `details` say why, if it was not asked to.
    pub fn fail_all(&self, details: &str) {
        self.alone(0, |turn| {
            for index in 0..self.tasks.made() {
                let (_, generation) = self.tasks.get(index).state();
                let id = TaskId { index, generation };
                turn.stop_because(id, Failure::Closed, details.as_bytes(), How::default());
            }
            turn.fail_owed(details.as_bytes());
        });
    }
}
