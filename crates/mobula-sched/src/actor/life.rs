//! How an actor begins and ends.

use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_sync::atomic::Ordering;

use super::{Life, list};
use crate::failure::{self, Failure};
use crate::object::NONE;
use crate::payload::{Links, Payload};
use crate::task::{ARRIVED, DROPPED, State};
use crate::turn::Turn;

impl Turn<'_> {
    /// A creation task was placed: gives the actor a cell. Restarts, and actors with names, have one already.
    pub(crate) fn create_actor(&mut self, task: u32) {
        let node = self.node;
        let cell = node.tasks.get(task);
        // SAFETY: the submitter still holds the task, or its queue of missing arguments does.
        let spec = unsafe { cell.spec() };
        if self.actor_of(spec.actor) == NONE {
            self.make_actor(spec, None);
        }
        if cell.state().0 == State::Ready {
            self.call_ready(task);
        }
    }

    /// A creation has ended: well, or with what the constructor threw.
    pub(crate) fn actor_made(&mut self, task: u32, error: Option<&Payload>) {
        let node = self.node;
        // SAFETY: the caller holds or settles the task.
        let spec = unsafe { node.tasks.get(task).spec() };
        if !spec.creates {
            return;
        }
        let index = self.actor_of(spec.actor);
        if let Some(error) = error {
            self.adopt(error);
            let links = error.links().map_or_else(Links::default, |links| {
                for buffer in &links.buffers {
                    node.store.retain(*buffer);
                }
                links.clone()
            });
            let head = failure::encode(Failure::ActorUnmade, &spec.template, 1, error.bytes());
            self.end_actor(index, Payload::with_links(head.bytes(), links));
            return;
        }
        let mut actor = node.actors.get(index).0.lock();
        if matches!(actor.life, Life::Making) {
            failpoint!("actor.made");
            actor.life = Life::Alive;
        }
        list(node, index, &mut actor);
    }

    /// A creation was stopped before it ended: its actor will never be.
    pub(crate) fn creation_stopped(&mut self, task: u32, failure: Failure) {
        // SAFETY: the caller is the settler.
        let spec = unsafe { self.node.tasks.get(task).spec() };
        if spec.creates {
            let index = self.actor_of(spec.actor);
            if index != NONE {
                self.end_actor(index, failure::encode(failure, &spec.template, 1, &[]));
            }
        }
    }

    /// `kill(handle)`.
    pub(crate) fn kill(&mut self, object: u32, restart: bool) {
        let index = self.actor_of(object);
        if index == NONE {
            return;
        }
        if restart {
            self.actor_crashed(index, Failure::ActorKilled, &[], None);
        } else {
            let error = self.killed(index);
            self.end_actor(index, error);
        }
    }

    /// The error of calls on an actor that was killed.
    fn killed(&self, index: u32) -> Payload {
        failure::encode(Failure::ActorKilled, &self.actor(index).lock().template, 0, &[])
    }

    /// The actor is dead: all its calls, made and to be made, fail with `error`.
    pub(crate) fn end_actor(&mut self, index: u32, error: Payload) {
        let node = self.node;
        let mut actor = node.actors.get(index).0.lock();
        if matches!(actor.life, Life::Dead(_)) {
            drop(actor);
            self.discard(error);
            return;
        }
        self.actor_in_hand = index;
        failpoint!("actor.end");
        let copy = self.copy(&error);
        actor.life = Life::Dead(error);
        let object = actor.object;
        let left = self.leave_host(index, &mut actor);
        self.doomed.extend(actor.queue.drain(..).rev());
        let held_back: Vec<u32> = actor.held_back.drain().flat_map(|(_, calls)| calls).collect();
        let flying = std::mem::take(&mut actor.flying);
        let mut given_up: Vec<u32> = flying
            .into_iter()
            .filter_map(|task| self.begin_settling_call(task))
            .collect();
        for task in held_back {
            if node.tasks.get(task).has(ARRIVED) {
                self.doomed.insert(0, task);
            } else {
                node.tasks.get(task).set(DROPPED, true);
                given_up.extend(self.begin_settling_call(task));
            }
        }
        let recipe = actor.recipe.take();
        let name = actor.name.take();
        let holds = std::mem::take(&mut actor.holds);
        let waits = actor.waits.take();
        let detached = actor.template.spec.detached;
        let demand = Arc::clone(&actor.template.demand);
        drop(actor);
        if let Some(ticket) = waits {
            self.forget_unplaced(ticket);
        }
        if holds {
            node.actors_holding.fetch_sub(1, Ordering::Relaxed);
            node.resources.give(&demand, false);
            self.work_may_be_possible();
        }
        if let Some(name) = name {
            node.forget_name(&name, object);
        }
        self.stop_on_host(object, left);
        failpoint!("actor.fail_queued");
        while let Some(task) = self.doomed.pop() {
            self.in_hand = task;
            self.fail_queued(task, &copy);
        }
        self.in_hand = NONE;
        self.fail_calls(&given_up, &copy);
        self.discard(copy);
        if let Some((arguments, deps)) = recipe {
            self.discard(arguments);
            for &dep in &deps {
                self.release(dep);
            }
        }
        self.actor_in_hand = NONE;
        if detached {
            self.release(object);
        }
    }

    /// The last reference to an actor's object is gone: nobody can call it any more.
    pub(crate) fn retire_actor(&mut self, index: u32) {
        let error = self.killed(index);
        self.end_actor(index, error);
        failpoint!("actor.retire");
        let content = std::mem::take(&mut *self.actor(index).lock());
        if let Life::Dead(error) = content.life {
            self.discard(error);
        }
        self.unuse(content.template);
        self.node.actors.give(&mut self.node.actor_cache.lock(), index);
    }
}
