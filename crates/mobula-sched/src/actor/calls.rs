//! Calls on actors: their order, and the way of each to the thread and back.

use std::collections::VecDeque;
use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_sync::atomic::Ordering;

use super::{Life, creation_is_next, list};
use crate::batch::Written;
use crate::object::{NONE, Status};
use crate::payload::Payload;
use crate::port::{BATCH, Inner};
use crate::task::{AGAIN, ARRIVED, DROPPED, PENDING, State};
use crate::turn::Turn;
use crate::wire::Writer;

impl Turn<'_> {
    /// A call was placed, ready or with arguments missing: it takes its place in the caller's order.
    pub(crate) fn call_submitted(&mut self, task: u32) {
        let node = self.node;
        let cell = node.tasks.get(task);
        let (state, generation) = cell.state();
        // SAFETY: the submitter still holds the task.
        let spec = unsafe { cell.spec() };
        let index = self.actor_of(spec.actor);
        failpoint!("actor.call");
        assert!(index != NONE, "a call comes after the creation of its actor");
        let mut actor = node.actors.get(index).0.lock();
        if state == State::Ready {
            cell.set(ARRIVED, true);
        }
        if let Life::Dead(error) = &actor.life {
            let error = self.copy(error);
            cell.set(DROPPED, true);
            drop(actor);
            if self.begin_settling(task, generation, state) {
                self.fail(task, Status::SystemError, &error);
                if state == State::Ready {
                    self.free_task(task);
                } else {
                    self.settler_leaves(task);
                }
            } else if state == State::Ready {
                self.holder_leaves(task);
            }
            self.discard(error);
            return;
        }
        let line = actor.line(task, spec);
        if let Some(before) = actor.held_back.get_mut(&line) {
            before.push_back(task);
        } else if state == State::Waiting {
            actor.held_back.insert(line, VecDeque::from([task]));
        } else {
            actor.queue.push_back(task);
            list(node, index, &mut actor);
        }
    }

    /// The last argument of a call, or of a creation, is there.
    pub(crate) fn call_ready(&mut self, task: u32) {
        let node = self.node;
        // SAFETY: the actor's queue holds calls, and a creation is still this visit's.
        let spec = unsafe { node.tasks.get(task).spec() };
        let index = self.actor_of(spec.actor);
        let mut actor = node.actors.get(index).0.lock();
        if spec.creates {
            if let Life::Dead(error) = &actor.life {
                let error = self.copy(error);
                drop(actor);
                self.fail_queued(task, &error);
                self.discard(error);
                return;
            }
            if node.tasks.get(task).state().0 != State::Ready {
                drop(actor);
                self.holder_leaves(task);
                return;
            }
            failpoint!("actor.ready");
            actor.queue.push_front(task);
            drop(actor);
            self.place_or_wait(index);
            return;
        }
        let mut gone = Vec::new();
        let line = actor.line(task, spec);
        let cell = node.tasks.get(task);
        cell.set(ARRIVED, true);
        if cell.has(DROPPED) {
            gone.push(task);
        }
        if let Some(mut calls) = actor.held_back.remove(&line) {
            while let Some(&first) = calls.front() {
                let cell = node.tasks.get(first);
                let state = cell.state().0;
                if cell.has(ARRIVED) {
                    if state == State::Ready {
                        actor.queue.push_back(first);
                    } else {
                        gone.push(first);
                    }
                } else if matches!(state, State::Waiting | State::Ready) {
                    break;
                } else {
                    cell.set(DROPPED, true);
                }
                calls.pop_front();
            }
            if !calls.is_empty() {
                actor.held_back.insert(line, calls);
            }
        }
        list(node, index, &mut actor);
        drop(actor);
        for task in gone {
            self.holder_leaves(task);
        }
    }

    /// Hands the thread calls of one actor after another.
    pub(crate) fn write_calls(&mut self, inner: &mut Inner, writer: &mut Writer<'_>) -> Option<u32> {
        let node = self.node;
        let host = Arc::clone(inner.host.as_ref()?);
        while let Some(task) = inner.returned.pop_back() {
            self.requeue_call(task);
        }
        let mut needs = None;
        let mut spent = 0_u32;
        while inner.batch.len() < BATCH && spent < 100_000 && needs.is_none() {
            let Some(index) = host.runnable.lock().pop_front() else {
                break;
            };
            let mut actor = node.actors.get(index).0.lock();
            if !actor.lives_on(&host) {
                continue;
            }
            actor.listed = false;
            // It may leave, and end, whenever its lock is not held.
            while inner.batch.len() < BATCH && spent < 100_000 && actor.lives_on(&host) && actor.may_begin() {
                let Some(task) = actor.queue.pop_front() else {
                    break;
                };
                // Taken under the actor's lock: what is flying was taken.
                let cell = node.tasks.get(task);
                let (_, generation) = cell.state();
                cell.port.store(u32::from(self.port), Ordering::Relaxed);
                if !cell.shift(generation, State::Ready, State::Taken) {
                    drop(actor);
                    self.holder_leaves(task);
                    actor = node.actors.get(index).0.lock();
                    continue;
                }
                failpoint!("actor.fly");
                actor.flying.push(task);
                drop(actor);
                match self.write_task(inner, task, writer) {
                    Written::Done(cost) => spent = spent.saturating_add(cost),
                    Written::Gone => {
                        self.call_ended(task);
                        self.holder_leaves(task);
                    }
                    Written::NoRoom(size) => {
                        self.requeue_call(task);
                        needs = Some(size);
                    }
                }
                actor = node.actors.get(index).0.lock();
                if needs.is_some() {
                    break;
                }
            }
            list(node, index, &mut actor);
        }
        if !inner.batch.is_empty() {
            inner.batch_began = node.clock.now();
            node.watch();
        }
        needs
    }

    /// A call that was handed out but not begun goes back to the head of its actor's queue.
    pub(crate) fn requeue_call(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        let (_, generation) = cell.state();
        self.in_hand = task;
        // SAFETY: the port holds the task.
        let index = self.actor_of(unsafe { cell.spec() }.actor);
        failpoint!("actor.call_back");
        self.actor(index).lock().flying.retain(|&other| other != task);
        cell.set(AGAIN, false);
        cell.port.store(NONE, Ordering::Relaxed);
        if cell.shift(generation, State::Taken, State::Ready) {
            self.repeat_call(task);
        } else {
            self.holder_leaves(task);
        }
    }

    /// A call that was handed out runs once more, before the others.
    pub(crate) fn repeat_call(&mut self, task: u32) {
        let node = self.node;
        self.in_hand = task;
        // SAFETY: the caller holds the task.
        let index = self.actor_of(unsafe { node.tasks.get(task).spec() }.actor);
        let mut actor = node.actors.get(index).0.lock();
        actor.flying.retain(|&other| other != task);
        if let Life::Dead(error) = &actor.life {
            let error = self.copy(error);
            drop(actor);
            self.fail_queued(task, &error);
            self.discard(error);
            return;
        }
        failpoint!("actor.again");
        let place = usize::from(creation_is_next(node, &actor));
        actor.queue.insert(place, task);
        list(node, index, &mut actor);
    }

    /// A call went on in the background. One that its actor has given up is not counted.
    pub(crate) fn call_pending(&mut self, task: u32) {
        // SAFETY: the port holds the task.
        let index = self.actor_of(unsafe { self.node.tasks.get(task).spec() }.actor);
        let mut actor = self.actor(index).lock();
        if actor.flying.contains(&task) {
            actor.pending += 1;
        }
    }

    /// A call, or a creation, has ended.
    pub(crate) fn call_ended(&mut self, task: u32) {
        let node = self.node;
        let cell = node.tasks.get(task);
        // SAFETY: the port holds the task.
        let object = unsafe { cell.spec() }.actor;
        if object == NONE {
            return;
        }
        let index = self.actor_of(object);
        let mut actor = node.actors.get(index).0.lock();
        failpoint!("actor.ended");
        if let Some(at) = actor.flying.iter().position(|&other| other == task) {
            actor.flying.remove(at);
            if cell.set(PENDING, false) {
                actor.pending -= 1;
            }
        }
        list(node, index, &mut actor);
    }

    /// Fails a call that its actor held, in its queue or behind others of its caller.
    pub(crate) fn fail_queued(&mut self, task: u32, error: &Payload) {
        let cell = self.node.tasks.get(task);
        let (_, generation) = cell.state();
        if self.begin_settling(task, generation, State::Ready) {
            self.fail(task, Status::SystemError, error);
            self.free_task(task);
        } else {
            self.holder_leaves(task);
        }
    }

    /// Moves a call out of its actor's hands, under the actor's lock: gives it back if it is the caller's
    /// to settle. Who holds it lets go of it later.
    pub(super) fn begin_settling_call(&mut self, task: u32) -> Option<u32> {
        let cell = self.node.tasks.get(task);
        let (state, generation) = cell.state();
        let unsettled = matches!(state, State::Waiting | State::Ready | State::Taken);
        (unsettled && self.begin_settling(task, generation, state)).then_some(task)
    }

    /// Fails calls that somebody else holds.
    pub(super) fn fail_calls(&mut self, tasks: &[u32], error: &Payload) {
        for &task in tasks {
            self.fail(task, Status::SystemError, error);
            self.settler_leaves(task);
        }
    }
}
