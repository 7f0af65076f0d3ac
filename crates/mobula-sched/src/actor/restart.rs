//! An actor that loses its thread, or its state, starts again or dies.

use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_sync::atomic::Ordering;

use super::{Content, Host, Life, creation_is_next};
use crate::failure::{self, Failure};
use crate::object::NONE;
use crate::payload::Payload;
use crate::task::{AGAIN, Spec};
use crate::template::Use;
use crate::turn::Turn;

/// What becomes of an actor that has lost its thread or its state.
enum Crash {
    /// Its constructor had not begun: it is made elsewhere, and nothing is lost.
    Unmade { left: Option<Arc<Host>> },
    /// It has no restarts left.
    Ends,
    /// It is made again. Of the calls its thread was at, some run `again`, and some fail.
    Restarts {
        left: Option<Arc<Host>>,
        again: Vec<u32>,
        failed: Vec<u32>,
        recipe: Option<(Payload, Box<[u32]>)>,
    },
}

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
        // This visit's reference, to its end. Without one, somebody is about to retire the actor.
        if matches!(actor.life, Life::Dead(_)) || !lives_there || !node.objects.get(object).try_retain() {
            return;
        }
        self.held_object = object;
        self.actor_in_hand = index;
        let crash = self.crash(index, &mut actor, gone.is_some());
        let error = failure::encode(failure, &actor.template, 0, details);
        let restarts = matches!(crash, Crash::Restarts { .. });
        let template = restarts.then(|| self.use_again(&actor.template));
        drop(actor);
        match crash {
            Crash::Unmade { left } => {
                self.stop_on_host(object, left);
                self.place_or_wait(index);
            }
            Crash::Ends => self.end_actor(index, error),
            Crash::Restarts {
                left,
                again,
                failed,
                recipe,
            } => {
                self.stop_on_host(object, left);
                failpoint!("actor.restart");
                // The thread that held them is gone, and whoever buries it holds them.
                for &task in again.iter().rev() {
                    self.repeat(task);
                }
                self.fail_calls(&failed, &error);
                if let Some((arguments, deps)) = recipe
                    && let Some(template) = template
                {
                    self.create_again(object, template, arguments, deps);
                }
            }
        }
        self.actor_in_hand = NONE;
        self.let_go_of_object();
    }

    /// A creation that was handed out, whose thread could not load the class, is placed on another thread. Its host gets no
    /// more actors.
    pub(crate) fn place_anew(&mut self, task: u32) {
        let node = self.node;
        // SAFETY: the port holds the task.
        let object = unsafe { node.tasks.get(task).spec() }.actor;
        let index = self.actor_of(object);
        // This visit's reference, to its end. Without one, somebody is about to retire the actor.
        let retained = node.objects.get(object).try_retain();
        if retained {
            self.held_object = object;
        }
        self.requeue_call(task);
        if !retained {
            return;
        }
        self.actor_in_hand = index;
        failpoint!("actor.place_anew");
        let mut actor = node.actors.get(index).0.lock();
        let here = actor
            .host
            .as_ref()
            .is_some_and(|host| host.port.load(Ordering::Acquire) == u32::from(self.port));
        // It may have died meanwhile, or begun another life on another thread.
        let moves = here && creation_is_next(node, &actor);
        let left = moves.then(|| self.leave_host(index, &mut actor)).flatten();
        if moves {
            actor.life = Life::Unmade;
        }
        drop(actor);
        if let Some(host) = &left {
            node.hosts.lock().close(host);
        }
        failpoint!("actor.moved");
        self.stop_on_host(object, left);
        if moves {
            self.place_or_wait(index);
        }
        self.actor_in_hand = NONE;
        self.let_go_of_object();
    }

    /// This visit's own reference to an actor's object is given back, if it has one.
    pub(crate) fn let_go_of_object(&mut self) {
        let object = std::mem::replace(&mut self.held_object, NONE);
        if object != NONE {
            self.release(object);
        }
    }

    /// Takes a crashed actor from its host, under its lock. `gone`: its thread is gone.
    fn crash(&mut self, index: u32, actor: &mut Content, gone: bool) -> Crash {
        let node = self.node;
        if creation_is_next(node, actor) {
            let left = self.leave_host(index, actor);
            actor.life = Life::Unmade;
            return Crash::Unmade { left };
        }
        if actor.restarts == 0 {
            return Crash::Ends;
        }
        if actor.restarts != u32::MAX {
            actor.restarts -= 1;
        }
        let left = self.leave_host(index, actor);
        actor.life = Life::Unmade;
        actor.pending = 0;
        let mut again = Vec::new();
        let mut failed = Vec::new();
        for task in std::mem::take(&mut actor.flying) {
            // SAFETY: a flying call is not freed without the actor's lock.
            let creates = unsafe { node.tasks.get(task).spec() }.creates;
            if creates || node.tasks.get(task).attempt() > self.retries(task) {
                failed.extend(self.begin_settling_call(task));
            } else if gone {
                again.push(task);
            } else {
                node.tasks.get(task).set(AGAIN, true);
            }
        }
        let recipe = actor
            .recipe
            .as_ref()
            .map(|(arguments, deps)| (self.copy(arguments), deps.clone()));
        Crash::Restarts {
            left,
            again,
            failed,
            recipe,
        }
    }

    /// Places another creation of an actor, with references of its own to all it names.
    fn create_again(&mut self, actor: u32, template: Use, arguments: Payload, deps: Box<[u32]>) {
        let node = self.node;
        let result = node.take_object(&mut self.object_cells, NONE);
        for &object in deps.iter().chain([&actor]) {
            node.objects.get(object).retain();
        }
        let spec = Spec {
            template,
            result,
            arguments,
            deps,
            actor,
            creates: true,
            ..Spec::default()
        };
        self.place(spec, 0);
        self.release(result);
    }
}
