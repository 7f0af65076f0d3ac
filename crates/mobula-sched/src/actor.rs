//! Actors: where they live, and the order of their calls.

mod names;
mod unplaced;
mod waits;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicU32, Ordering, fence};

use crate::batch::Written;
use crate::failure::{self, Failure};
use crate::object::{NONE, Status};
use crate::payload::{Links, Payload};
use crate::port::{BATCH, Event, Inner};
use crate::resources::Demand;
use crate::task::{AGAIN, ARRIVED, DROPPED, PENDING, Spec, State};
use crate::turn::Turn;
use crate::wire::Writer;

pub(crate) use waits::Waits;

/// A thread that actors live on, attached or about to be.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) id: u32,
    /// Whether one actor has it to itself.
    pub(crate) own: bool,
    /// The port of its thread, or `NONE` while there is none.
    pub(crate) port: AtomicU32,
    /// How many actors live there.
    pub(crate) load: AtomicU32,
    /// Actors with calls to run.
    runnable: Mutex<VecDeque<u32>>,
}

/// How far an actor has come.
#[derive(Debug, Default)]
enum Life {
    /// Its constructor's arguments or resources are missing.
    #[default]
    Unmade,
    /// Its constructor is queued or runs.
    Making,
    /// It takes calls.
    Alive,
    /// Every call fails with this.
    Dead(Payload),
}

/// The cell of an actor. Its lock is taken after a port's and before any mail's; nothing is released
/// while it is held, because the last release of an actor's object retires the actor.
#[derive(Debug, Default)]
pub(crate) struct Actor(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    object: u32,
    template: u32,
    life: Life,
    host: Option<Arc<Host>>,
    /// Whether it holds its resources.
    holds: bool,
    /// Calls that may run, in order.
    queue: VecDeque<u32>,
    /// By [line](Content::line): calls that wait for an argument, and those behind them.
    held_back: HashMap<u64, VecDeque<u32>>,
    /// Calls handed to the thread, not ended yet.
    flying: Vec<u32>,
    /// Of these, how many went on in the background.
    pending: u32,
    /// Whether it stands in its host's list.
    listed: bool,
    restarts: u32,
    /// What to make it from again: arguments and the objects among them.
    recipe: Option<(Payload, Box<[u32]>)>,
    name: Option<String>,
}

impl Content {
    fn lives_on(&self, host: &Arc<Host>) -> bool {
        self.host.as_ref().is_some_and(|at| Arc::ptr_eq(at, host))
    }

    fn lacks_resources(&self, node: &crate::node::Node) -> bool {
        !self.holds && !node.template(self.template).spec.demand.is_nothing()
    }

    /// Which calls keep their order: those of one caller. Calls on an actor that runs several at once overtake each other
    /// anyway, so there each stands in a line of its own, and none waits for the argument of another.
    fn line(&self, node: &crate::node::Node, task: u32, spec: &Spec) -> u64 {
        let in_order = node.template(self.template).spec.max_concurrency == 1;
        if in_order { spec.caller } else { u64::from(task) }
    }

    /// Whether the thread may be handed the next call.
    fn may_begin(&self, node: &crate::node::Node) -> bool {
        let limit = match self.life {
            Life::Making if self.flying.is_empty() => 1,
            Life::Alive => node.template(self.template).spec.max_concurrency,
            _ => 0,
        };
        !self.queue.is_empty() && self.pending < limit
    }
}

impl Turn<'_> {
    fn actor(&self, index: u32) -> &Mutex<Content> {
        // The slab outlives the visit; this only frees `self` for other uses.
        &self.node.actors.get(index).0
    }

    fn actor_of(&self, object: u32) -> u32 {
        self.node.objects.get(object).actor.load(Ordering::Acquire)
    }

    /// A creation task was placed: gives the actor a cell. Restarts have one already.
    pub(crate) fn create_actor(&mut self, task: u32) {
        let node = self.node;
        let cell = node.tasks.get(task);
        // SAFETY: the submitter still holds the task, or its queue of missing arguments does.
        let spec = unsafe { cell.spec() };
        if self.actor_of(spec.actor) == NONE {
            failpoint!("actor.create");
            let index = node.actors.take(&mut node.actor_cache.lock());
            let template = &node.template(spec.template).spec;
            let recipe = (template.max_restarts > 0).then(|| {
                for &dep in &spec.deps {
                    node.objects.get(dep).retain();
                }
                (self.copy(&spec.arguments), spec.deps.clone())
            });
            *self.actor(index).lock() = Content {
                object: spec.actor,
                template: spec.template,
                restarts: template.max_restarts,
                recipe,
                ..Content::default()
            };
            if template.detached {
                node.objects.get(spec.actor).retain();
            }
            // Release: pairs with the Acquire in `actor_of`.
            node.objects.get(spec.actor).actor.store(index, Ordering::Release);
        }
        if cell.state().0 == State::Ready {
            self.call_ready(task);
        }
    }

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
            if cell.shift(generation, state, State::Settling) {
                self.fail(task, Status::SystemError, &error);
                if state == State::Ready {
                    self.free_task(task);
                } else {
                    self.settled(task);
                }
            } else if state == State::Ready {
                self.let_go(task);
            }
            self.discard(error);
            return;
        }
        let line = actor.line(node, task, spec);
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
            if matches!(actor.life, Life::Dead(_)) || node.tasks.get(task).state().0 != State::Ready {
                drop(actor);
                self.let_go_or_fail(task);
                return;
            }
            failpoint!("actor.ready");
            actor.queue.push_front(task);
            drop(actor);
            self.place_or_wait(index);
            return;
        }
        let mut gone = Vec::new();
        let line = actor.line(node, task, spec);
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
            self.let_go(task);
        }
    }

    fn let_go_or_fail(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        let (_, generation) = cell.state();
        if cell.shift(generation, State::Ready, State::Settling) {
            self.fail_by_system(task, Failure::ActorKilled, &[]);
            self.free_task(task);
        } else {
            self.let_go(task);
        }
    }

    /// Gives an actor its resources and a thread, now or when the resources are free.
    fn place_or_wait(&mut self, index: u32) {
        if !self.actor(index).lock().lacks_resources(self.node) {
            self.place_actor(index, &mut Vec::new());
            return;
        }
        failpoint!("actor.wait");
        // Behind those that wait: one that comes at the right moment must not overtake them.
        let mut unplaced = self.node.unplaced.lock();
        unplaced.push_back(index);
        self.node
            .unplaced_count
            .store(unplaced.len() as u32, Ordering::Relaxed);
        drop(unplaced);
        self.place_actors();
    }

    /// Gives an actor its resources and a thread; false if the resources are not free, or some of `denied` wants no
    /// more than it and waits for longer.
    fn place_actor(&mut self, index: u32, denied: &mut Vec<Demand>) -> bool {
        let node = self.node;
        let mut actor = node.actors.get(index).0.lock();
        // It may have died while it waited, and another, not ready yet, may have its cell.
        if !matches!(actor.life, Life::Unmade) || !creation_is_next(node, &actor) {
            return true;
        }
        failpoint!("actor.place");
        let template = &node.template(actor.template).spec;
        if actor.lacks_resources(node) {
            if denied.iter().any(|less| template.demand.covers(less)) {
                return false;
            }
            if !node.resources.try_take(&template.demand) {
                denied.push(template.demand.clone());
                return false;
            }
            actor.holds = true;
        }
        actor.life = Life::Making;
        let (host, new) = self.choose_host(template.own_thread);
        host.load.fetch_add(1, Ordering::Relaxed);
        let event = new.then_some(Event::NeedWorker {
            host: host.id,
            own: host.own,
        });
        failpoint!("actor.hosted");
        actor.host = Some(host);
        list(node, index, &mut actor);
        drop(actor);
        if let Some(event) = event {
            self.post_main(event);
        }
        true
    }

    fn choose_host(&self, own: bool) -> (Arc<Host>, bool) {
        let mut hosts = self.node.hosts.lock();
        let shared = hosts.iter().filter(|host| !host.own);
        if !own
            && shared.clone().count() >= self.node.shared_hosts
            && let Some(host) = shared.min_by_key(|host| host.load.load(Ordering::Relaxed))
        {
            return (Arc::clone(host), false);
        }
        let host = Arc::new(Host {
            id: self.node.hosts_made.fetch_add(1, Ordering::Relaxed),
            own,
            port: AtomicU32::new(NONE),
            load: AtomicU32::new(0),
            runnable: Mutex::default(),
        });
        failpoint!("actor.host");
        hosts.push(Arc::clone(&host));
        (host, true)
    }

    /// Places actors whose resources are free, those that wait longest first: one that has to wait holds up only those
    /// behind it that want as much.
    pub(crate) fn place_actors(&mut self) {
        let node = self.node;
        // Who gives resources back looks for actors after it, who adds an actor looks for resources after it.
        fence(Ordering::SeqCst);
        if node.unplaced_count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut unplaced = node.unplaced.lock();
        let mut denied = Vec::new();
        unplaced.retain(|&index| !self.place_actor(index, &mut denied));
        node.unplaced_count
            .store(unplaced.len() as u32, Ordering::Relaxed);
    }

    fn forget_unplaced(&self, index: u32) {
        let mut unplaced = self.node.unplaced.lock();
        unplaced.retain(|&other| other != index);
        self.node
            .unplaced_count
            .store(unplaced.len() as u32, Ordering::Release);
    }

    /// Hands the thread calls of one actor after another.
    pub(crate) fn write_calls(&mut self, inner: &mut Inner, writer: &mut Writer<'_>) -> Option<u32> {
        let node = self.node;
        let host = Arc::clone(inner.host.as_ref()?);
        while let Some(task) = inner.returned.pop_back() {
            self.call_back(task);
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
            while inner.batch.len() < BATCH
                && spent < 100_000
                && actor.lives_on(&host)
                && actor.may_begin(node)
            {
                let Some(task) = actor.queue.pop_front() else {
                    break;
                };
                // Taken under the actor's lock: what is flying was taken.
                let cell = node.tasks.get(task);
                let (_, generation) = cell.state();
                cell.port.store(u32::from(self.port), Ordering::Relaxed);
                if !cell.shift(generation, State::Ready, State::Taken) {
                    drop(actor);
                    self.let_go(task);
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
                        self.let_go(task);
                    }
                    Written::NoRoom(size) => {
                        self.call_back(task);
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
    pub(crate) fn call_back(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        let (_, generation) = cell.state();
        // SAFETY: the port holds the task.
        let index = self.actor_of(unsafe { cell.spec() }.actor);
        failpoint!("actor.call_back");
        self.actor(index).lock().flying.retain(|&other| other != task);
        cell.set(AGAIN, false);
        cell.port.store(NONE, Ordering::Relaxed);
        if cell.shift(generation, State::Taken, State::Ready) {
            self.call_again(task);
        } else {
            self.let_go(task);
        }
    }

    /// A call that was handed out runs once more, before the others.
    pub(crate) fn call_again(&mut self, task: u32) {
        let node = self.node;
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
            let head = failure::encode(Failure::ActorUnmade, spec.template, 1, error.bytes());
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
            let error = failure::encode(failure, spec.template, 1, &[]);
            self.end_actor(self.actor_of(spec.actor), error);
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
            let template = self.actor(index).lock().template;
            self.end_actor(index, failure::encode(Failure::ActorKilled, template, 0, &[]));
        }
    }

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

    /// The actor is dead: all its calls, made and to be made, fail with `error`.
    fn end_actor(&mut self, index: u32, error: Payload) {
        let node = self.node;
        let mut actor = node.actors.get(index).0.lock();
        if matches!(actor.life, Life::Dead(_)) {
            drop(actor);
            self.discard(error);
            return;
        }
        failpoint!("actor.end");
        let copy = self.copy(&error);
        actor.life = Life::Dead(error);
        let object = actor.object;
        let left = self.leave_host(index, &mut actor);
        let mut queued: Vec<u32> = actor.queue.drain(..).collect();
        let held_back: Vec<u32> = actor.held_back.drain().flat_map(|(_, calls)| calls).collect();
        let flying = std::mem::take(&mut actor.flying);
        let mut given_up: Vec<u32> = flying.into_iter().filter_map(|task| self.give_up(task)).collect();
        for task in held_back {
            if node.tasks.get(task).has(ARRIVED) {
                queued.push(task);
            } else {
                node.tasks.get(task).set(DROPPED, true);
                given_up.extend(self.give_up(task));
            }
        }
        let recipe = actor.recipe.take();
        let name = actor.name.take();
        let holds = std::mem::take(&mut actor.holds);
        let template = &node.template(actor.template).spec;
        drop(actor);
        if node.unplaced_count.load(Ordering::Relaxed) > 0 {
            self.forget_unplaced(index);
        }
        if holds {
            node.resources.give(&template.demand, false);
            self.work_may_be_possible();
        }
        if let Some(name) = name {
            node.forget_name(object, &name);
        }
        self.stop_on_host(object, left);
        failpoint!("actor.fail_queued");
        for task in queued {
            self.fail_queued(task, &copy);
        }
        self.fail_given_up(&given_up, &copy);
        self.discard(copy);
        if let Some((arguments, deps)) = recipe {
            self.discard(arguments);
            for &dep in &deps {
                self.release(dep);
            }
        }
        if template.detached {
            self.release(object);
        }
    }

    /// Fails a call that its actor held, in its queue or behind others of its caller.
    fn fail_queued(&mut self, task: u32, error: &Payload) {
        let cell = self.node.tasks.get(task);
        let (_, generation) = cell.state();
        if cell.shift(generation, State::Ready, State::Settling) {
            self.fail(task, Status::SystemError, error);
            self.free_task(task);
        } else {
            self.let_go(task);
        }
    }

    /// Moves a call out of its actor's hands, under the actor's lock: gives it back if it is the caller's
    /// to settle. Who holds it lets go of it later.
    fn give_up(&self, task: u32) -> Option<u32> {
        let cell = self.node.tasks.get(task);
        let (state, generation) = cell.state();
        let unsettled = matches!(state, State::Waiting | State::Ready | State::Taken);
        (unsettled && cell.shift(generation, state, State::Settling)).then_some(task)
    }

    /// Fails calls that somebody else holds.
    fn fail_given_up(&mut self, tasks: &[u32], error: &Payload) {
        for &task in tasks {
            self.fail(task, Status::SystemError, error);
            self.settled(task);
        }
    }

    fn leave_host(&self, index: u32, actor: &mut Content) -> Option<Arc<Host>> {
        let host = actor.host.take()?;
        host.load.fetch_sub(1, Ordering::Relaxed);
        host.runnable.lock().retain(|&other| other != index);
        actor.listed = false;
        if host.own {
            self.node.hosts.lock().retain(|other| other.id != host.id);
        }
        Some(host)
    }

    fn stop_on_host(&mut self, object: u32, host: Option<Arc<Host>>) {
        let Some(host) = host else { return };
        let port = host.port.load(Ordering::Acquire);
        if port != NONE {
            self.post(port as u16, Event::StopActor { actor: object });
        }
        if host.own {
            self.post_main(Event::RetireHost { host: host.id });
        }
    }

    /// Whether an actor of that number lives on `host`. News for its thread that one has ended are of an earlier life then,
    /// or of another actor that had the number, and overdue: they must not end this one.
    pub(crate) fn lives_on(&self, object: u32, host: Option<&Arc<Host>>) -> bool {
        let index = self.actor_of(object);
        index != NONE
            && host.is_some_and(|host| {
                let actor = self.actor(index).lock();
                actor.object == object && actor.lives_on(host)
            })
    }

    /// The last reference to an actor's object is gone: nobody can call it any more.
    pub(crate) fn retire_actor(&mut self, index: u32) {
        let template = self.actor(index).lock().template;
        self.end_actor(index, failure::encode(Failure::ActorKilled, template, 0, &[]));
        failpoint!("actor.retire");
        let content = std::mem::take(&mut *self.actor(index).lock());
        if let Life::Dead(error) = content.life {
            self.discard(error);
        }
        self.node.actors.give(&mut self.node.actor_cache.lock(), index);
    }

    /// Actors that live on `host`.
    pub(crate) fn actors_on(&self, host: &Arc<Host>) -> Vec<u32> {
        (0..self.node.actors.made())
            .filter(|&index| self.actor(index).lock().lives_on(host))
            .collect()
    }
}

/// Whether an actor's constructor is at the head of its queue.
fn creation_is_next(node: &crate::node::Node, actor: &Content) -> bool {
    // SAFETY: the queue holds its tasks, and its lock is held.
    let creates = |&first: &u32| unsafe { node.tasks.get(first).spec() }.creates;
    actor.queue.front().is_some_and(creates)
}

/// Puts an actor that may run a call into its host's list, once.
fn list(node: &crate::node::Node, index: u32, actor: &mut Content) {
    if actor.listed || !actor.may_begin(node) {
        return;
    }
    let Some(host) = &actor.host else { return };
    actor.listed = true;
    host.runnable.lock().push_back(index);
    let port = host.port.load(Ordering::Acquire);
    if port != NONE {
        let port = node.port(port as u16);
        port.has_calls.store(true, Ordering::Release);
        port.wake();
    }
}
