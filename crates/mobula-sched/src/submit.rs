use std::collections::VecDeque;

use mobula_fault::failpoint;
use mobula_queue::{Subscribed, Waiter};
use mobula_sync::atomic::Ordering;

use crate::actor::ActorName;
use crate::failure::{self, Failure};
use crate::object::{CODE, NONE, PUT, Status};
use crate::payload::Payload;
use crate::policy;
use crate::port::{Event, Inner};
use crate::resources::UNIT;
use crate::task::{
    AGAIN, Consumer, FOLLOWS, HAS_CHILDREN, HOLDS, LENT, OCCUPIES, Origin, PENDING, Spec, State, TaskId,
};
use crate::template::Template;
use crate::turn::Turn;
use crate::violation::Violation;
use crate::wire::{Reader, op, outcome, submit};

impl Turn<'_> {
    /// Carries out the commands up to byte `to` that have not been carried out yet.
    pub(crate) fn harvest(&mut self, inner: &mut Inner, to: usize) -> Result<(), Violation> {
        failpoint!("commands.harvest");
        let from = inner.consumed.min(to);
        let commands: *const [u8] = inner.regions.commands(from, to).ok_or(Violation::Region)?;
        inner.consumed = to;
        // SAFETY: the bytes lie in the command region, not in `inner`; it stays while the lock is held.
        self.run(inner, unsafe { &*commands })
    }

    /// Carries out the commands that the thread has published.
    pub(crate) fn catch_up(&mut self, inner: &mut Inner) -> Result<(), Violation> {
        let published = inner.regions.published();
        if published > inner.consumed {
            self.harvest(inner, published)?;
        }
        Ok(())
    }

    /// Takes back a task by its claim word, unless the thread has it. One that it has ended without claiming it is gone.
    pub(crate) fn reclaim(&self, inner: &Inner, slot: usize, task: u32) -> bool {
        inner.regions.reclaim(slot) && self.node.is_at(task, self.port)
    }

    /// Carries out complete commands, up to the first that is wrong.
    pub(crate) fn run(&mut self, inner: &mut Inner, commands: &[u8]) -> Result<(), Violation> {
        let mut reader = Reader::new(commands);
        let mut outcome = Ok(());
        while outcome.is_ok() && !reader.is_empty() {
            outcome = self.command(inner, &mut reader);
            self.settling.clear();
        }
        self.propagate();
        outcome
    }

    fn command(&mut self, inner: &mut Inner, reader: &mut Reader<'_>) -> Result<(), Violation> {
        let op = reader.u8();
        match op {
            op::SUBMIT => return self.submit(reader, None),
            op::RUN if self.is_agent() => {
                let origin = reader.array();
                return self.submit(reader, Some(Box::new(origin)));
            }
            op::LINE if self.is_agent() => return self.open_line(reader),
            op::HERE if self.is_agent() => return self.settle_owed(reader),
            op::LOSE | op::BRING if self.is_agent() => return self.place_news(op, reader),
            op::TAKE_BACK if self.is_agent() => {
                let object = reader.u32();
                reader.check()?;
                self.known(object)?;
                self.cancel_unbegun(object);
            }
            op::SUBSCRIBE => {
                let value = reader.u8() != 0;
                let object = reader.u32();
                let token = reader.u32();
                reader.check()?;
                self.subscribe(object, token, value)?;
            }
            op::RELEASE => {
                let objects = reader.list();
                reader.check()?;
                for object in objects {
                    self.release_handle(inner, object)?;
                }
            }
            op::RESULT => return self.result(reader),
            op::PUT => {
                let object = reader.u32();
                failpoint!("object.put");
                let payload = reader.payload();
                reader.check()?;
                self.node.check_fresh(self.port, object, CODE)?;
                let payload = self.take_over(payload)?;
                let cell = self.node.objects.get(object);
                cell.producer.fetch_or(PUT, Ordering::Relaxed);
                cell.retain();
                self.settle(object, Status::Value, payload);
            }
            op::YIELD => return self.yielded(reader),
            op::PENDING => return self.pending(inner, reader),
            op::BLOCK => return self.block(reader),
            op::CANCEL => {
                let flags = reader.u8();
                let object = reader.u32();
                reader.check()?;
                self.known(object)?;
                self.cancel(object, flags & 1 != 0, flags & 2 != 0);
            }
            op::CREDIT => {
                let object = reader.u32();
                let items = reader.u32();
                reader.check()?;
                self.known(object)?;
                self.credit(object, items);
            }
            op::KILL => {
                let restart = reader.u8() != 0;
                let object = reader.u32();
                reader.check()?;
                // The actor must not be another by the time it is looked for.
                self.retain(object)?;
                self.kill(object, restart);
                self.release(object);
            }
            unknown => return Err(Violation::Command(unknown)),
        }
        Ok(())
    }

    /// `origin`: what the task is at the node that has submitted it, if that is another.
    fn submit(&mut self, reader: &mut Reader<'_>, origin: Option<Box<Origin>>) -> Result<(), Violation> {
        let flags = reader.u8();
        let template = reader.u32();
        let result = reader.u32();
        let arguments = reader.payload();
        let has = |flag: u8| flags & flag != 0;
        let deps: Box<[u32]> = if has(submit::DEPS) {
            reader.list().into()
        } else {
            Box::default()
        };
        let more_results: Box<[u32]> = if has(submit::MULTI) {
            reader.list().into()
        } else {
            Box::default()
        };
        let mut spec = Spec {
            result,
            more_results,
            deps,
            origin,
            ..Spec::default()
        };
        if has(submit::CALL) {
            spec.actor = reader.u32();
        }
        let mut parent = 0;
        if has(submit::PARENT) {
            let id = TaskId {
                index: reader.u32(),
                generation: reader.u32(),
            };
            parent = id.pack();
        }
        // With its generation: the next task of that number must not stand behind this one's calls.
        spec.caller = if parent == 0 {
            u64::from(self.life) << 16 | u64::from(self.port)
        } else {
            parent
        };
        if has(submit::STREAM) {
            spec.stream = Some(Consumer {
                port: self.port,
                life: self.life,
                token: reader.u32(),
            });
        }
        let name = has(submit::NAMED).then(|| ActorName::read(reader));
        reader.check()?;
        if has(submit::CREATE) && has(submit::CALL) || has(submit::NAMED) && !has(submit::CREATE) {
            return Err(Violation::Flags(flags));
        }
        if !self.node.templates.was_given(template) {
            return Err(Violation::Template(template));
        }
        spec.arguments = self.take_over(arguments)?;
        if let Err(violation) = self.check_submit(&spec, parent) {
            self.discard(spec.arguments);
            return Err(violation);
        }
        self.placing.push(result);
        self.placing.extend(&spec.more_results);
        failpoint!("submit.read");
        let Some(used) = self.use_template(template) else {
            self.never_place(spec, Failure::FunctionGone);
            self.placing.clear();
            // Later calls would name an actor that there is not: a thread holds the class while it creates one.
            return if has(submit::CREATE) {
                Err(Violation::Template(template))
            } else {
                Ok(())
            };
        };
        spec.template = used;
        if has(submit::CANCELLED) {
            self.never_place(spec, Failure::Cancelled);
            self.placing.clear();
            return Ok(());
        }
        if has(submit::CREATE) {
            spec.creates = true;
            spec.actor = result;
            // The creation's own: its thread may still be at it when the actor is dead and forgotten.
            self.node.objects.get(result).retain();
            if name.is_some() {
                self.make_actor(&spec, name);
            }
        }
        if let Some(parent) = TaskId::unpack(parent) {
            self.count_submitted(parent, &spec);
        }
        self.place(spec, parent);
        self.placing.clear();
        Ok(())
    }

    /// A task of this thread has submitted another: at a node of a cluster, what its function brings is known by that.
    fn count_submitted(&self, TaskId { index, generation }: TaskId, child: &Spec) {
        let node = self.node;
        if !node.forwarding.is_there() || child.actor != NONE || !node.is_at(index, self.port) {
            return;
        }
        let parent = node.tasks.get(index);
        if parent.state().1 == generation {
            // SAFETY: the port holds it.
            let Template { cost, .. } = &*unsafe { parent.spec() }.template;
            cost.submits(&child.template.cost, policy::BATCH_NANOSECONDS);
        }
    }

    /// A task that cannot run, such as one that was cancelled before it was submitted: it gets no cell and no queue, in which a
    /// thread might find it.
    fn never_place(&mut self, spec: Spec, failure: Failure) {
        let error = failure::encode(failure, &spec.template, 1, &[]);
        for result in spec.results() {
            let object = self.node.objects.get(result);
            // Nothing else may settle it, also before it is known to be settled.
            object.producer.fetch_or(PUT, Ordering::Relaxed);
            object.retain();
            let copy = self.copy(&error);
            self.settle(result, Status::SystemError, copy);
        }
        self.discard(error);
        if spec.actor != NONE {
            self.release(spec.actor);
        }
        for &dep in &spec.deps {
            self.release(dep);
        }
        self.discard(spec.arguments);
        self.unuse(spec.template);
    }

    /// Makes the task and registers it with its arguments.
    pub(crate) fn place(&mut self, spec: Spec, parent: u64) {
        let task = self.node.tasks.take(&mut self.task_cells);
        failpoint!("submit.cell");
        let cell = self.node.tasks.get(task);
        let (_, generation) = cell.state();
        let id = TaskId {
            index: task,
            generation,
        };
        for result in spec.results() {
            let object = self.node.objects.get(result);
            object.producer.store(id.pack(), Ordering::Relaxed);
            object.retain();
        }
        self.heap += spec.arguments.heap();
        let deps = spec.deps.len() as u32;
        let (actor, creates) = (spec.actor, spec.creates);
        // From here on the task is found: it is counted before.
        self.count_task();
        if deps == 0 {
            cell.place(spec, State::Ready);
            self.add_child(parent, id);
            if creates {
                self.create_actor(task);
            } else if actor != NONE {
                self.call_submitted(task);
            } else {
                self.enqueue(task);
            }
            return;
        }
        // One arrival more than there are arguments: the submitter's own, once all are registered.
        cell.missing.arm(deps + 1);
        cell.place(spec, State::Waiting);
        self.add_child(parent, id);
        failpoint!("submit.waiting");
        if creates {
            self.create_actor(task);
        } else if actor != NONE {
            self.call_submitted(task);
        }
        // SAFETY: arguments are written once, before `place`; the submitter's arrival is still
        // missing, so the task cannot end and free them.
        for &dep in unsafe { &cell.spec().deps } {
            let object = self.node.objects.get(dep);
            if object
                .waiters
                .subscribe(Waiter::Task(task), &self.node.waiter_nodes)
                == Subscribed::Done
            {
                let last = cell.missing.arrive();
                debug_assert!(!last, "the submitter arrives last");
            }
        }
        failpoint!("submit.registered");
        // SAFETY: as above.
        let maker = self.first_maker(unsafe { cell.spec() });
        if cell.missing.arrive() {
            self.all_arguments_there(task);
        } else if let Some(maker) = maker {
            self.may_follow(id, maker);
        }
    }

    /// Remembers whose child a task is, for as long as both are there.
    fn add_child(&self, parent: u64, child: TaskId) {
        if let Some(parent) = TaskId::unpack(parent) {
            let is_over = |id| self.find(id).is_none();
            self.node
                .tasks
                .get(parent.index)
                .add_child(parent.generation, child, is_over);
        }
    }

    /// Gives back a handle that the port's JavaScript held.
    fn release_handle(&mut self, inner: &mut Inner, object: u32) -> Result<(), Violation> {
        failpoint!("object.release");
        if !self.unlend(object) {
            let cell = self.node.objects.find(object).ok_or(Violation::Object(object))?;
            if cell.owner.load(Ordering::Relaxed) != u32::from(self.port) {
                return Err(Violation::Handle(object));
            }
            cell.owner.store(NONE, Ordering::Relaxed);
        }
        debug_assert!(inner.open, "an open port");
        self.release(object);
        Ok(())
    }

    fn result(&mut self, reader: &mut Reader<'_>) -> Result<(), Violation> {
        let kind = reader.u8();
        let count = reader.u16();
        let task = reader.u32();
        if kind == outcome::STAYS && self.is_agent() {
            return self.result_stays(reader, task, count);
        }
        // One value is the rule, and needs no list.
        let first = (count > 0).then(|| reader.payload());
        let others: Vec<Payload> = (1..count).map(|_| reader.payload()).collect();
        reader.check()?;
        let cell = self.running(task)?;
        // SAFETY: the port holds the task, as was just checked.
        let spec = unsafe { cell.spec() };
        let expected = match kind {
            outcome::OK => 1 + spec.more_results.len(),
            outcome::UNBEGUN => 0,
            _ => 1,
        };
        let last = if self.is_agent() {
            outcome::LOST
        } else {
            outcome::UNBEGUN
        };
        if kind > last || usize::from(count) != expected {
            return Err(Violation::Results(task));
        }
        if cell.has(FOLLOWS) && !self.has_caught_up(task) {
            for payload in first.into_iter().chain(others) {
                let payload = self.take_over(payload)?;
                self.discard(payload);
            }
            self.unfollow(task);
            return Ok(());
        }
        if kind == outcome::UNBEGUN {
            self.hand_back(task);
            return Ok(());
        }
        let mut values = VecDeque::new();
        let mut value = None;
        for (i, payload) in first.into_iter().chain(others).enumerate() {
            match self.take_over(payload) {
                Ok(payload) if i == 0 => value = Some(payload),
                Ok(payload) => values.push_back(payload),
                Err(violation) => {
                    value
                        .into_iter()
                        .chain(values)
                        .for_each(|payload| self.discard(payload));
                    return Err(violation);
                }
            }
        }
        let values = value.into_iter().chain(values);
        let (state, generation) = cell.state();
        failpoint!("result.before");
        self.release_resources(task);
        self.call_ended(task);
        let retry = match kind {
            outcome::RETRY => cell.tries() <= self.retries(task),
            outcome::LOST => {
                cell.blame() < spec.template.spec.max_kills && cell.tries() <= self.retries(task)
            }
            _ => false,
        } && state == State::Taken;
        if retry || cell.has(AGAIN) {
            values.for_each(|payload| self.discard(payload));
            self.repeat(task);
            return Ok(());
        }
        if state != State::Taken || !self.begin_settling(task, generation, State::Taken) {
            values.for_each(|payload| self.discard(payload));
            self.holder_leaves(task);
            return Ok(());
        }
        failpoint!("result.settling");
        if kind == outcome::OK {
            for (result, payload) in spec.results().zip(values) {
                self.settle(result, Status::Value, payload);
            }
            failpoint!("result.settled");
            self.actor_made(task, None);
            self.task_ended(task);
        } else {
            for payload in values {
                self.actor_made(task, Some(&payload));
                let status = match kind {
                    outcome::FAILED | outcome::LOST => Status::SystemError,
                    // The node that has submitted it decides.
                    outcome::RETRY if spec.origin.is_some() => Status::RetryAsked,
                    _ => Status::UserError,
                };
                self.fail(task, status, &payload);
                self.discard(payload);
            }
        }
        self.free_task(task);
        Ok(())
    }

    pub(crate) fn retries(&self, task: u32) -> u32 {
        // SAFETY: the caller holds the task.
        let spec = unsafe { self.node.tasks.get(task).spec() };
        // Of another node's task only that node makes further attempts.
        if spec.origin.is_some() {
            0
        } else {
            spec.template.spec.max_retries
        }
    }

    /// Puts a task that was taken back into its queue for another attempt.
    pub(crate) fn repeat(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        self.in_hand = task;
        let (_, generation) = cell.state();
        cell.retries.fetch_add(1, Ordering::Relaxed);
        cell.flags.fetch_and(HAS_CHILDREN, Ordering::Relaxed);
        failpoint!("task.again");
        cell.port.store(NONE, Ordering::Relaxed);
        if !cell.shift(generation, State::Taken, State::Ready) {
            self.holder_leaves(task);
            return;
        }
        // SAFETY: the caller holds the task.
        if unsafe { cell.spec() }.actor == NONE {
            self.enqueue(task);
        } else {
            self.repeat_call(task);
        }
    }

    /// A task went on in the background. It holds a CPU from now on, unless it waits in `get` (`lent`).
    fn pending(&mut self, inner: &mut Inner, reader: &mut Reader<'_>) -> Result<(), Violation> {
        failpoint!("task.pending");
        let lent = reader.u8() != 0;
        let task = reader.u32();
        reader.check()?;
        let cell = self.running(task)?;
        if cell.set(PENDING, true) {
            // It is counted already.
            return Ok(());
        }
        self.limit(task, None);
        // SAFETY: the port holds the task.
        let spec = unsafe { cell.spec() };
        if self.node.forwarding.is_there() {
            spec.template.cost.goes_to_background();
        }
        if spec.actor != NONE {
            self.call_pending(task);
        } else if cell.has(HOLDS) {
            if lent {
                self.lend(task, true);
            } else {
                self.occupy(task, true);
            }
        } else {
            // It ran on the CPU of its batch, which goes on to the next.
            let cpu = spec.template.demand.cpu;
            cell.set(HOLDS, true);
            cell.set(LENT, lent);
            self.occupy(task, !lent);
            if !lent && inner.holds_cpu == cpu {
                inner.holds_cpu = 0;
            } else if !lent {
                self.node.resources.force_cpu(cpu);
            }
        }
        Ok(())
    }

    /// A task begins or ends to have its thread's CPU in the background.
    pub(crate) fn occupy(&mut self, task: u32, begins: bool) {
        let cell = self.node.tasks.get(task);
        // SAFETY: the port holds the task.
        let template = &unsafe { cell.spec() }.template;
        if template.spec.demand.cpu < UNIT || cell.set(OCCUPIES, begins) == begins {
            return;
        }
        failpoint!("task.occupy");
        let port = self.node.port(cell.port.load(Ordering::Relaxed) as u16);
        if port.occupy(begins) && self.node.forwarding.is_there() {
            self.node.time_occupant(port, template, begins);
        }
        // What the thread has in store is for others now, or there is more that it may take.
        self.work_may_be_possible();
    }

    /// A background task begins or ends waiting in `get`.
    fn block(&mut self, reader: &mut Reader<'_>) -> Result<(), Violation> {
        failpoint!("task.block");
        let begins = reader.u8() != 0;
        let task = reader.u32();
        reader.check()?;
        // The attempt may be over, and the task elsewhere.
        if self.node.is_at(task, self.port) {
            self.lend(task, begins);
        }
        Ok(())
    }

    fn lend(&mut self, task: u32, lend: bool) {
        let cell = self.node.tasks.get(task);
        // SAFETY: the port holds the task.
        let cpu = unsafe { cell.spec() }.template.spec.demand.cpu;
        if cpu == 0 || !cell.has(HOLDS) || cell.set(LENT, lend) == lend {
            return;
        }
        self.occupy(task, !lend);
        if lend {
            self.node.resources.give_cpu(cpu);
            self.work_may_be_possible();
        } else {
            self.node.resources.force_cpu(cpu);
        }
    }

    /// One more item of a stream. It is dropped if the task is over: its cell may be another's by now.
    fn yielded(&mut self, reader: &mut Reader<'_>) -> Result<(), Violation> {
        let (task, generation) = (reader.u32(), reader.u32());
        let payload = reader.payload();
        reader.check()?;
        let payload = self.take_over(payload)?;
        // The attempt may be over, and the task elsewhere.
        let cell = self
            .node
            .tasks
            .find(task)
            .filter(|_| self.node.is_at(task, self.port));
        // SAFETY: the port holds the task.
        let stream = cell.and_then(|cell| unsafe { cell.spec() }.stream);
        let Some((cell, Consumer { port, life, token })) = cell
            .zip(stream)
            .filter(|(cell, _)| cell.state() == (State::Taken, generation))
        else {
            self.discard(payload);
            return Ok(());
        };
        failpoint!("task.yield");
        cell.yielded.fetch_add(1, Ordering::Relaxed);
        let object = self.node.take_object(&mut self.object_cells, NONE);
        self.node.objects.get(object).retain();
        self.settle(object, Status::Value, payload);
        self.post(port, Event::Item { life, token, object });
        Ok(())
    }
}
