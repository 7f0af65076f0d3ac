use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_queue::{Subscribed, Waiter, Waiters};
use mobula_sync::atomic::Ordering;
use rustc_hash::FxHashMap;

use crate::away::{goes_elsewhere, is_value};
use crate::crew::{Crew, ForCrew};
use crate::failure::{self, Failure};
use crate::live::Ahead;
use crate::node::Node;
use crate::object::{NONE, Status};
use crate::payload::{Links, Payload};
use crate::policy::{self, Queue};
use crate::port::{Event, Inner};
use crate::resources::{LESS_THAN_A_CPU, Resources};
use crate::slab::IndexCache;
use crate::task::{HOLDS, LENT, OCCUPIES, Spec, State, TaskId};
use crate::template::Template;
use crate::templates::Change;
use crate::violation::Violation;

/// A task that a visit has moved to `Settling`.
#[derive(Debug)]
pub(crate) struct Settling {
    pub(crate) task: TaskId,
    /// Whether it does not count as live any more.
    pub(crate) ended: bool,
}

/// One visit of a thread to the core.
///
/// Carries what the visit needs at hand (free cells) and what it puts off to its end (ready tasks,
/// news for other threads), so that each is passed on once per visit and not once per task.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is put off to the end of the visit by itself"
)]
#[derive(Debug)]
pub(crate) struct Turn<'n> {
    pub(crate) node: &'n Node,
    pub(crate) port: u16,
    /// Which of the port's threads it is a visit of; of no meaning without one.
    pub(crate) life: u16,
    /// Whether the visit is one of a port's own, not one on behalf of a thread that is gone or stuck.
    pub(crate) has_port: bool,
    /// The crew of the port's thread; nothing for that of the process's own program.
    pub(crate) crew: Option<Arc<Crew>>,
    /// What became ready for crews of other processes' jobs.
    pub(crate) crews: Vec<ForCrew>,
    pub(crate) task_cells: IndexCache,
    pub(crate) object_cells: IndexCache,
    pub(crate) borrowed: FxHashMap<u32, u32>,
    /// Objects whose outcomes this visit has written into the inbox.
    pub(crate) delivered: Vec<u32>,
    ready: Vec<u32>,
    /// While objects are being freed: the first of them, and those that still are to be.
    unreferenced: Vec<u32>,
    /// Whether special tasks were queued, and whether resources came free.
    special: bool,
    freed: bool,
    /// Whether the agent has news.
    forwarded: bool,
    /// Objects written but not completed yet: completing may settle more objects, and a list
    /// instead of recursion keeps a chain of a million tasks off the stack.
    untold: Vec<u32>,
    /// The object whose waiters are being told, and those who have not been told yet.
    telling: Option<(u32, Waiters)>,
    /// Tasks that this visit has begun to settle since it last came to an end with something.
    pub(crate) settling: Vec<Settling>,
    /// A task that is in no queue and with no thread while this visit moves it; or `NONE`.
    pub(crate) in_hand: u32,
    /// The results of a task that is being placed.
    pub(crate) placing: Vec<u32>,
    /// An actor that this visit ends or starts again; or `NONE`.
    pub(crate) actor_in_hand: u32,
    /// The object of an actor to which this visit holds a reference of its own; or `NONE`.
    pub(crate) held_object: u32,
    /// Calls of an actor that has ended, which are still to be failed.
    pub(crate) doomed: Vec<u32>,
    mail: Vec<(u16, Vec<Event>)>,
    pub(crate) ahead: Ahead,
    /// The template that the port submitted last.
    pub(crate) template: Option<Arc<Template>>,
    /// Uses of templates that are not counted yet.
    pub(crate) changes: Vec<Change>,
    /// Templates that have ended, and still are to be removed.
    pub(crate) ended_templates: Vec<u32>,
    /// By how many bytes the values of objects and arguments of tasks have grown on the heap. What a visit that panics loses
    /// of it is not counted any more.
    pub(crate) heap: i64,
}

impl<'n> Turn<'n> {
    pub(crate) fn new(node: &'n Node, port: u16) -> Self {
        Self {
            node,
            port,
            life: 0,
            has_port: false,
            crew: None,
            crews: Vec::new(),
            task_cells: IndexCache::default(),
            object_cells: IndexCache::default(),
            borrowed: FxHashMap::default(),
            delivered: Vec::new(),
            ready: Vec::new(),
            unreferenced: Vec::new(),
            special: false,
            freed: false,
            forwarded: false,
            untold: Vec::new(),
            telling: None,
            settling: Vec::new(),
            in_hand: NONE,
            actor_in_hand: NONE,
            held_object: NONE,
            placing: Vec::new(),
            doomed: Vec::new(),
            mail: Vec::new(),
            ahead: Ahead::default(),
            template: None,
            changes: Vec::new(),
            ended_templates: Vec::new(),
            heap: 0,
        }
    }

    /// Takes over what the port keeps at hand.
    pub(crate) fn begin(node: &'n Node, port: u16, inner: &mut Inner) -> Self {
        let mut turn = Self::new(node, port);
        turn.has_port = true;
        turn.life = node.port(port).life();
        turn.crew.clone_from(&inner.crew);
        inner.visits = inner.visits.wrapping_add(1);
        turn.task_cells = std::mem::take(&mut inner.tasks);
        turn.object_cells = std::mem::take(&mut inner.objects);
        turn.borrowed = std::mem::take(&mut inner.borrowed);
        turn.template = inner.template.take();
        turn.changes = std::mem::take(&mut inner.changes);
        turn
    }

    /// Gives the port back what it keeps at hand. Everything has been passed on.
    pub(crate) fn give_back(mut self, inner: &mut Inner) {
        debug_assert!(self.has_port, "begun by `begin`");
        self.end_counting();
        inner.regions.set_tight(self.node.store.is_tight());
        inner.tasks = self.task_cells;
        inner.objects = self.object_cells;
        inner.borrowed = self.borrowed;
        inner.template = self.template;
        inner.changes = self.changes;
        inner.delivered.append(&mut self.delivered);
    }

    /// Gives the node back what the visit keeps at hand; for visits that belong to no port.
    pub(crate) fn finish_alone(mut self) {
        self.end_counting();
        self.node.tasks.give_all(&mut self.task_cells);
        self.node.objects.give_all(&mut self.object_cells);
        debug_assert!(self.borrowed.is_empty(), "handles belong to a port");
    }

    /// Queues what became ready, tells those who wait, and wakes workers.
    pub(crate) fn pass_on(&mut self) {
        self.pass_on_once();
        // Passing on may settle, free and post more.
        while self.freed
            || self.special
            || self.forwarded
            || !self.crews.is_empty()
            || !self.untold.is_empty()
            || self.end_counting()
            || !self.mail.is_empty()
            || self.has_changed_templates()
        {
            self.pass_on_once();
        }
        let change = std::mem::take(&mut self.heap);
        if change != 0 {
            self.node.store.count_small(change);
        }
    }

    fn pass_on_once(&mut self) {
        self.propagate();
        self.count_uses();
        self.end_templates();
        failpoint!("turn.pass_on");
        let freed = std::mem::take(&mut self.freed);
        if freed {
            Resources::gave();
        }
        let mut wake = std::mem::take(&mut self.special) || (freed && self.node.has_work(&self.node.home));
        if !self.ready.is_empty() {
            let port = self.node.port(self.port);
            let runs_tasks = self.has_port && self.crew.is_none() && port.runs_tasks.load(Ordering::Relaxed);
            if policy::place(runs_tasks, port.is_occupied()) == Queue::Own {
                wake |= self.is_worth_sharing(port.local.len(), &self.ready);
                failpoint!("queue.local");
                port.local.push_all(&self.ready);
                // A background task may have submitted them while the thread's loop sleeps.
                port.wake();
            } else {
                wake = true;
                failpoint!("queue.plain");
                self.node.home.lanes.plain.push_all(&self.ready);
            }
            self.ready.clear();
        }
        if !self.crews.is_empty() {
            self.pass_on_to_crews();
        }
        if std::mem::take(&mut self.forwarded) {
            self.node.wake_agent();
        }
        failpoint!("turn.deliver");
        self.end_counting();
        self.deliver();
        if wake && !self.node.resources.has_cpu(false) {
            // It looks at what waits.
            self.node.watch();
        }
        if wake {
            failpoint!("turn.wake");
            self.node.wake_for_work(&self.node.home);
        }
        if freed {
            if !self.node.crews.is_empty() {
                self.node.wake_all_for_work();
            }
            self.place_actors();
        }
    }

    /// Posts the news collected so far.
    pub(crate) fn deliver(&mut self) {
        for (port, mut events) in std::mem::take(&mut self.mail) {
            self.node.port(port).post(&mut events);
            self.undelivered(events);
        }
    }

    /// Gives back what news hold that a shut port did not take.
    pub(crate) fn undelivered(&mut self, events: Vec<Event>) {
        for event in events {
            if let Event::Item { object, .. } | Event::Settled { object, .. } = event {
                self.release(object);
            }
        }
    }

    /// Whether tasks that this thread has made ready are more than it will soon have done itself.
    pub(crate) fn is_worth_sharing(&self, queued: usize, ready: &[u32]) -> bool {
        let Some(&newest) = ready.last() else {
            return false;
        };
        // SAFETY: the task is in no queue yet.
        let template = &unsafe { self.node.tasks.get(newest).spec() }.template;
        policy::is_worth_sharing(queued + ready.len(), template.average())
    }

    pub(crate) fn post(&mut self, port: u16, event: Event) {
        if let Some((_, events)) = self.mail.iter_mut().find(|(to, _)| *to == port) {
            events.push(event);
        } else {
            self.mail.push((port, vec![event]));
        }
    }

    /// The agent has news.
    pub(crate) fn tell_agent(&mut self) {
        self.forwarded = true;
    }

    pub(crate) fn post_main(&mut self, event: Event) {
        let main = self.node.main_port.load(Ordering::Acquire);
        if main != NONE {
            self.post(main as u16, event);
        }
    }

    /// Counts references for everything a payload names; its buffers are the payload's already.
    pub(crate) fn adopt(&self, payload: &Payload) {
        for object in payload.links().iter().flat_map(|links| &links.refs) {
            self.node.objects.get(*object).retain();
        }
    }

    /// A second payload with the same content and references of its own.
    pub(crate) fn copy(&self, payload: &Payload) -> Payload {
        let Some(links) = payload.links() else {
            return Payload::new(payload.bytes());
        };
        self.adopt(payload);
        for buffer in &links.buffers {
            self.node.store.retain(*buffer);
        }
        Payload::with_links(payload.bytes(), Links::clone(links))
    }

    /// Gives back a payload and all it refers to.
    pub(crate) fn discard(&mut self, payload: Payload) {
        for object in payload.into_refs(&*self.node.store) {
            self.release(object);
        }
    }

    /// Gives back one reference to an object.
    pub(crate) fn release(&mut self, object: u32) {
        if !self.node.objects.get(object).release() {
            return;
        }
        // What an object or an actor held is freed in the loop below, not by recursion: chains may be long.
        self.unreferenced.push(object);
        if self.unreferenced.len() > 1 {
            return;
        }
        let mut next = Some(object);
        while let Some(object) = next {
            let cell = self.node.objects.get(object);
            let actor = cell.actor.load(Ordering::Relaxed);
            if actor != NONE {
                self.retire_actor(actor);
            }
            failpoint!("object.free");
            let (kind, generation) = (cell.kind(), cell.generation.load(Ordering::Relaxed));
            let (status, payload, again) = cell.clear(self.node.last_generation);
            self.producer_gone(object, generation, kind);
            if status == Status::Away {
                // Before another object has the cell.
                self.away_is_gone(object);
            }
            self.heap -= payload.heap();
            let refs = payload.into_refs(&*self.node.store);
            if again {
                self.node.objects.give(&mut self.object_cells, object);
            }
            for object in refs {
                self.release(object);
            }
            next = (self.unreferenced.len() > 1)
                .then(|| self.unreferenced.pop())
                .flatten();
        }
        self.unreferenced.clear();
    }

    /// Settles an object. Who waits for it is told when the visit propagates.
    pub(crate) fn settle(&mut self, object: u32, status: Status, payload: Payload) {
        failpoint!("object.settle");
        self.heap += payload.heap();
        self.node.objects.get(object).write(status, payload);
        self.untold.push(object);
    }

    /// Tells everybody who waits for the objects settled so far.
    pub(crate) fn propagate(&mut self) {
        while let Some(object) = self.untold.pop() {
            let waiters = self.node.objects.get(object).waiters.complete();
            self.telling = Some((object, waiters));
            failpoint!("object.propagate");
            self.tell_the_rest();
            self.settling.clear();
        }
    }

    /// Tells those who wait for the object whose turn it is, and have not been told yet.
    pub(crate) fn tell_the_rest(&mut self) {
        while let Some((object, waiters)) = &mut self.telling {
            let object = *object;
            if let Some(waiter) = waiters.next(&self.node.waiter_nodes) {
                self.tell(waiter, object);
            } else {
                self.telling = None;
                // The reference of the task that made it.
                self.release(object);
            }
        }
    }

    /// Whether the outcome of an object is written, and those who wait are still to be told.
    pub(crate) fn is_written(&self, object: u32) -> bool {
        self.untold.contains(&object)
    }

    /// Whether a task is about to be queued.
    pub(crate) fn is_ready(&self, task: u32) -> bool {
        self.ready.contains(&task) || self.crews.iter().any(|each| each.has(task))
    }

    /// Moves a task to `Settling`: its results are this visit's to settle. False if somebody else was first.
    #[must_use]
    pub(crate) fn begin_settling(&mut self, task: u32, generation: u32, from: State) -> bool {
        let begun = self.node.tasks.get(task).shift(generation, from, State::Settling);
        if begun {
            let id = TaskId {
                index: task,
                generation,
            };
            self.settling.push(Settling {
                task: id,
                ended: false,
            });
        }
        begun
    }

    /// Tells one who waits for an object that it is there.
    fn tell(&mut self, waiter: Waiter, object: u32) {
        match waiter {
            Waiter::Task(task) => self.argument_arrived(task),
            Waiter::Port {
                value: true,
                port,
                life,
                ..
            } if self.is_away(object) && self.node.port(port).hears(life) => {
                self.wait_for_value(waiter, object);
            }
            Waiter::Port { .. } => self.tell_port(waiter, object),
        }
    }

    pub(crate) fn tell_port(&mut self, waiter: Waiter, object: u32) {
        if let Waiter::Port {
            port,
            life,
            token,
            value,
        } = waiter
        {
            let news = Event::Settled {
                object,
                life,
                token,
                value,
            };
            self.post(port, news);
        }
    }

    fn argument_arrived(&mut self, task: u32) {
        if self.node.tasks.get(task).missing.arrive() {
            self.all_arguments_there(task);
        }
    }

    /// The last argument of a task is there: it fails with the first failed argument, or becomes ready.
    pub(crate) fn all_arguments_there(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        let (state, generation) = cell.state();
        self.in_hand = task;
        failpoint!("task.ready");
        // SAFETY: the last missing argument holds the task, and an actor's queue the calls on it.
        let spec = unsafe { cell.spec() };
        let is_call = spec.actor != NONE;
        if state == State::Waiting && self.waits_for_values(task) {
            self.in_hand = NONE;
            return;
        }
        let there = goes_elsewhere(spec);
        let failed = spec
            .deps
            .iter()
            .filter(|&&dep| !(there && self.node.is_at_place(dep)))
            .map(|&dep| self.node.outcome_of(dep))
            .find(|outcome| !is_value(outcome.0));
        if let Some(failed) = failed
            && state == State::Waiting
            && self.begin_settling(task, generation, State::Waiting)
        {
            let (status, payload) = (failed.0, self.copy(&failed.1));
            if spec.creates {
                self.actor_made(task, Some(&payload));
            }
            self.fail(task, status, &payload);
            self.discard(payload);
            self.settler_leaves(task);
        } else if state == State::Waiting && cell.shift(generation, State::Waiting, State::Ready) && !is_call
        {
            self.enqueue(task);
            self.in_hand = NONE;
            return;
        }
        if is_call {
            self.call_ready(task);
        } else {
            self.holder_leaves(task);
        }
        self.in_hand = NONE;
    }

    /// The settler is done with a task.
    pub(crate) fn settler_leaves(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        let (_, generation) = cell.state();
        if !cell.shift(generation, State::Settling, State::Settled) {
            self.free_task(task);
        }
    }

    /// The holder is done with a task that somebody else settles or has settled.
    pub(crate) fn holder_leaves(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        let (_, generation) = cell.state();
        if !cell.shift(generation, State::Settling, State::Left) {
            self.free_task(task);
        }
    }

    /// Puts a ready task where its kind waits.
    pub(crate) fn enqueue(&mut self, task: u32) {
        // SAFETY: the caller holds the task.
        let spec = unsafe { self.node.tasks.get(task).spec() };
        let template = &spec.template;
        if template.plain {
            self.ready.push(task);
        } else if template.is_forwarded() && spec.origin.is_none() {
            failpoint!("forward.push");
            let near = self.node.nearest(spec);
            let crew = template.crew.clone();
            self.node.forwarding.push(spec, near, &self.node.tasks, task);
            // From here on the agent may have it, and it may have ended: nothing of it is read.
            self.forwarded = true;
            if let Some(crew) = crew.filter(|crew| crew.is_over()) {
                self.cancel_forwarded(&crew);
            }
        } else if let Some(crew) = &template.crew {
            self.enqueue_for(crew, task);
        } else {
            failpoint!("queue.special");
            self.node.home.lanes.push_special(template, task);
            self.special = true;
        }
    }

    /// Settles all results of a task with one error. The caller has moved it to Settling.
    pub(crate) fn fail(&mut self, task: u32, status: Status, error: &Payload) {
        // SAFETY: the caller is the settler.
        let spec = unsafe { self.node.tasks.get(task).spec() };
        failpoint!("task.fail");
        let results: Vec<u32> = spec.results().collect();
        for result in results {
            let copy = self.copy(error);
            self.settle(result, status, copy);
        }
        self.task_ended(task);
    }

    /// Settles all results of a task with an error of the system's.
    pub(crate) fn fail_by_system(&mut self, task: u32, failure: Failure, details: &[u8]) {
        let cell = self.node.tasks.get(task);
        // SAFETY: as in `fail`.
        let spec = unsafe { cell.spec() };
        let error = failure::encode(failure, &spec.template, cell.attempt(), details);
        self.fail(task, Status::SystemError, &error);
    }

    /// A task that this visit settles does not count as live any more.
    pub(crate) fn task_ended(&mut self, task: u32) {
        let mut latest = self.settling.iter_mut().rev();
        if let Some(begun) = latest.find(|begun| begun.task.index == task) {
            begun.ended = true;
        }
        self.uncount_task();
    }

    /// Gives back a settled task's cell. What it held is the caller's.
    pub(crate) fn empty_cell(&mut self, task: u32) -> Spec {
        failpoint!("task.free");
        let (spec, again) = self.node.tasks.get(task).free(self.node.last_generation);
        if again {
            self.node.tasks.give(&mut self.task_cells, task);
        }
        self.heap -= spec.arguments.heap();
        spec
    }

    /// Gives back a settled task's cell and everything it held.
    pub(crate) fn free_task(&mut self, task: u32) {
        let spec = self.empty_cell(task);
        for &dep in &spec.deps {
            self.release(dep);
        }
        if spec.actor != NONE {
            self.release(spec.actor);
        }
        self.discard(spec.arguments);
        self.unuse(spec.template);
    }

    /// Gives back what a task holds of the node's resources.
    pub(crate) fn release_resources(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        if cell.has(OCCUPIES) && self.node.is_at(task, self.port) {
            self.node.port(self.port).ends_background();
        }
        self.occupy(task, false);
        if !cell.has(HOLDS) {
            return;
        }
        failpoint!("resources.give");
        cell.set(HOLDS, false);
        let lent = cell.set(LENT, false);
        // SAFETY: the caller is the holder.
        let template = &unsafe { cell.spec() }.template;
        self.node.resources.give_back(&template.spec.demand, lent);
        self.work_may_be_possible();
    }

    /// Resources came free: at the end of the visit a worker is woken if tasks wait for them.
    pub(crate) fn work_may_be_possible(&mut self) {
        self.freed = true;
    }

    /// Registers a subscription of this visit's port.
    pub(crate) fn subscribe(&mut self, object: u32, token: u32, value: bool) -> Result<(), Violation> {
        let waiter = Waiter::Port {
            port: self.port,
            life: self.life,
            token,
            value,
        };
        failpoint!("object.subscribe");
        // The news hold a reference until they are read: the ref may be gone by then.
        let cell = self.retain(object)?;
        if cell.waiters.subscribe(waiter, &self.node.waiter_nodes) == Subscribed::Done {
            self.tell(waiter, object);
        }
        Ok(())
    }

    /// The task with this name, if it has not ended.
    pub(crate) fn find(&self, id: TaskId) -> Option<State> {
        let (state, generation) = self.node.tasks.get(id.index).state();
        (generation == id.generation && state != State::Free).then_some(state)
    }
}

impl Node {
    /// Wakes a thread of the crew, if none is looking already.
    pub(crate) fn wake_for_work(&self, crew: &Crew) {
        let ring = |worker| {
            let slept = self.port(worker).wake();
            if slept {
                // Its event loop may be busy with what a task has left there: the watchdog rings another then.
                self.watch();
            }
            slept
        };
        // Occupied workers may take what needs less than a CPU.
        if !crew.idle.wake(ring) && crew.lanes.has_special(&self.resources, LESS_THAN_A_CPU) {
            crew.occupied.wake(ring);
        }
    }

    /// Whether a thread of the crew that looks now would find a task it may run.
    pub(crate) fn has_work(&self, crew: &Crew) -> bool {
        crew.lanes.has_special(&self.resources, i64::MAX)
            || (self.resources.has_cpu(crew.has_reserved()) && self.has_plain(crew))
    }

    /// Whether plain tasks wait for the crew's threads, or one of these has some in store.
    pub(crate) fn has_plain(&self, crew: &Crew) -> bool {
        !crew.lanes.plain.is_empty() || crew.sorted.any() || self.has_local(crew.job)
    }

    /// Whether any thread of a job has plain tasks of its own in store.
    pub(crate) fn has_local(&self, job: u32) -> bool {
        self.any_port(|port| port.local.has(job))
    }

    /// Takes half of the plain tasks that some thread of the job has in store: the first after `thief` that has any, so that
    /// thieves do not all rob the same.
    pub(crate) fn steal(&self, thief: u16, job: u32) -> Vec<u32> {
        let mut stolen = Vec::new();
        self.any_port_from(thief, |port| {
            if port.local.has(job) {
                failpoint!("queue.steal");
                stolen = port.local.steal(job);
            }
            !stolen.is_empty()
        });
        stolen
    }
}
