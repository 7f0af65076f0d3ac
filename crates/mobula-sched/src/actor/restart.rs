//! An actor that loses its thread, or its state, starts again or dies.

use std::sync::Arc;

use mobula_fault::failpoint;

use super::{Host, Life, creation_is_next};
use crate::failure::{self, Failure};
use crate::object::NONE;
use crate::task::{AGAIN, Spec};
use crate::turn::Turn;

impl Turn<'_> {
    /// The actor's thread is gone, or its state is to be thrown away: it starts again, or dies.
    /// `gone`: the host whose thread has ended, and the visit holds what that held; an actor that has left it is spared.
    /// Without, the actor's thread lives, and still ends what it has begun.
    pub(crate) fn actor_crashed(
        &mut self,
        index: u32,
        failure: Failure,
        details: &[u8],
        gone: Option<&Arc<Host>>,
    ) {
        let node = self.node;
        let mut actor = node.actors.get(index).0.lock();
        failpoint!("actor.crashed");
        let lives_there = actor.host.is_some() && gone.is_none_or(|host| actor.lives_on(host));
        let object = actor.object;
        // The reference is the next creation's. Without one, somebody is about to retire the actor.
        if matches!(actor.life, Life::Dead(_)) || !lives_there || !node.objects.get(object).try_retain() {
            return;
        }
        let template = actor.template;
        if creation_is_next(node, &actor) {
            // Its constructor has not begun, so nothing is lost: it is made elsewhere.
            let left = self.leave_host(index, &mut actor);
            actor.life = Life::Unmade;
            drop(actor);
            self.stop_on_host(object, left);
            self.place_or_wait(index);
            self.release(object);
            return;
        }
        if actor.restarts == 0 {
            drop(actor);
            self.end_actor(index, failure::encode(failure, template, 0, details));
            self.release(object);
            return;
        }
        if actor.restarts != u32::MAX {
            actor.restarts -= 1;
        }
        let left = self.leave_host(index, &mut actor);
        actor.life = Life::Unmade;
        actor.pending = 0;
        let mut again = Vec::new();
        let mut failed = Vec::new();
        for task in std::mem::take(&mut actor.flying) {
            // SAFETY: a flying call is not freed without the actor's lock.
            let creates = unsafe { node.tasks.get(task).spec() }.creates;
            if creates || node.tasks.get(task).attempt() > self.retries(task) {
                failed.extend(self.give_up(task));
            } else if gone.is_some() {
                again.push(task);
            } else {
                node.tasks.get(task).set(AGAIN, true);
            }
        }
        let recipe = actor
            .recipe
            .as_ref()
            .map(|(arguments, deps)| (self.copy(arguments), deps.clone()));
        drop(actor);
        self.stop_on_host(object, left);
        failpoint!("actor.restart");
        // The thread that held them is gone, and whoever buries it holds them.
        for &task in again.iter().rev() {
            self.run_again(task);
        }
        self.fail_given_up(&failed, &failure::encode(failure, template, 0, details));
        if let Some((arguments, deps)) = recipe {
            let result = node.take_object(&mut self.object_cells, NONE);
            for &dep in &deps {
                node.objects.get(dep).retain();
            }
            self.place(
                Spec {
                    template,
                    result,
                    arguments,
                    deps,
                    actor: object,
                    creates: true,
                    ..Spec::default()
                },
                0,
            );
            self.release(result);
        } else {
            self.release(object);
        }
    }
}
