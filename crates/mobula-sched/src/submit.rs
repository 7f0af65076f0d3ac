use mobula_fault::failpoint;
use mobula_queue::{Subscribed, Waiter};
use mobula_sync::atomic::Ordering;

use crate::actor::ActorName;
use crate::failure::{self, Failure};
use crate::object::{NONE, Status};
use crate::payload::Payload;
use crate::port::{Event, Inner};
use crate::resources::UNIT;
use crate::task::{AGAIN, Consumer, HOLDS, LENT, OCCUPIES, PENDING, Spec, State, TaskId};
use crate::turn::Turn;
use crate::wire::{Reader, op, outcome, submit};

impl Turn<'_> {
    /// Carries out the commands up to byte `to` that have not been carried out yet.
    pub(crate) fn harvest(&mut self, inner: &mut Inner, to: usize) {
        failpoint!("commands.harvest");
        let from = inner.consumed.min(to);
        inner.consumed = to;
        let commands: *const [u8] = inner.regions.commands(from, to);
        // SAFETY: the bytes lie in the command region, not in `inner`; it stays while the lock is held.
        self.run(inner, unsafe { &*commands });
    }

    /// Carries out complete commands.
    pub(crate) fn run(&mut self, inner: &mut Inner, commands: &[u8]) {
        let mut reader = Reader::new(commands);
        while !reader.is_empty() {
            self.command(inner, &mut reader);
        }
        self.propagate();
    }

    fn command(&mut self, inner: &mut Inner, reader: &mut Reader<'_>) {
        match reader.u8() {
            op::SUBMIT => self.submit(reader),
            op::SUBSCRIBE => {
                let value = reader.u8() != 0;
                let object = reader.u32();
                let token = reader.u32();
                self.subscribe(object, token, value);
            }
            op::RELEASE => {
                for object in reader.list() {
                    self.release_handle(inner, object);
                }
            }
            op::RESULT => self.result(reader),
            op::PUT => {
                let object = reader.u32();
                failpoint!("object.put");
                let payload = self.payload(reader);
                self.adopt(&payload);
                self.node.objects.get(object).retain();
                self.settle(object, Status::Value, payload);
            }
            op::YIELD => self.yielded(reader),
            op::PENDING => self.pending(inner, reader),
            op::BLOCK => self.block(reader),
            op::CANCEL => {
                let flags = reader.u8();
                let object = reader.u32();
                self.cancel(object, flags & 1 != 0, flags & 2 != 0);
            }
            op::CREDIT => {
                let object = reader.u32();
                let items = reader.u32();
                self.credit(object, items);
            }
            op::KILL => {
                let restart = reader.u8() != 0;
                let object = reader.u32();
                self.kill(object, restart);
            }
            unknown => panic!("unknown command {unknown}"),
        }
    }

    /// Reads a value. Its buffers are its own from now on, even if the thread dies.
    fn payload(&self, reader: &mut Reader<'_>) -> Payload {
        let payload = reader.payload();
        for buffer in payload.links().iter().flat_map(|links| &links.buffers) {
            self.node.store.adopt(*buffer);
        }
        payload
    }

    fn submit(&mut self, reader: &mut Reader<'_>) {
        let flags = reader.u8();
        let template = reader.u32();
        let result = reader.u32();
        let arguments = self.payload(reader);
        self.adopt(&arguments);
        failpoint!("submit.read");
        let mut parent = 0;
        let mut spec = Spec {
            template,
            result,
            arguments,
            ..Spec::default()
        };
        if flags & submit::DEPS != 0 {
            spec.deps = reader.list().into();
        }
        if flags & submit::MULTI != 0 {
            spec.more_results = reader.list().into();
        }
        if flags & submit::CALL != 0 {
            spec.actor = reader.u32();
            self.node.objects.get(spec.actor).retain();
        }
        if flags & submit::PARENT != 0 {
            parent = TaskId {
                index: reader.u32(),
                generation: reader.u32(),
            }
            .pack();
        }
        // With its generation: the next task of that number must not stand behind this one's calls.
        spec.caller = if parent == 0 {
            u64::from(self.life) << 16 | u64::from(self.port)
        } else {
            parent
        };
        if flags & submit::STREAM != 0 {
            spec.stream = Some(Consumer {
                port: self.port,
                life: self.life,
                token: reader.u32(),
            });
        }
        if flags & submit::CANCELLED != 0 {
            self.never_place(spec);
            return;
        }
        if flags & submit::CREATE != 0 {
            spec.creates = true;
            spec.actor = result;
            // The creation's own: its thread may still be at it when the actor is dead and forgotten.
            self.node.objects.get(result).retain();
            if flags & submit::NAMED != 0 {
                let name = ActorName::read(reader);
                self.make_actor(&spec, Some(name));
            }
        }
        self.place(spec, parent);
    }

    /// A task that was cancelled before it was submitted: it gets no cell and no queue, in which a thread might find it.
    fn never_place(&mut self, spec: Spec) {
        let error = failure::encode(Failure::Cancelled, spec.template, 1, &[]);
        for result in spec.results() {
            self.node.objects.get(result).retain();
            let copy = self.copy(&error);
            self.settle(result, Status::SystemError, copy);
        }
        self.discard(error);
        if spec.actor != NONE {
            self.release(spec.actor);
        }
        self.discard(spec.arguments);
    }

    /// Makes the task and registers it with its arguments.
    pub(crate) fn place(&mut self, spec: Spec, parent: u64) {
        let task = self.node.tasks.take(&mut self.task_cells);
        failpoint!("submit.cell");
        let cell = self.node.tasks.get(task);
        self.node.live_tasks.fetch_add(1, Ordering::Relaxed);
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
        let deps = spec.deps.len() as u32;
        let (actor, creates) = (spec.actor, spec.creates);
        if deps == 0 {
            cell.place(spec, parent, State::Ready);
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
        cell.place(spec, parent, State::Waiting);
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
            object.retain();
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
        if cell.missing.arrive() {
            self.all_arguments_there(task);
        }
    }

    /// Gives back a handle that the port's JavaScript held.
    fn release_handle(&mut self, inner: &mut Inner, object: u32) {
        failpoint!("object.release");
        let cell = self.node.objects.get(object);
        if !self.unlend(object) {
            debug_assert_eq!(
                cell.owner.load(Ordering::Relaxed),
                u32::from(self.port),
                "only holders release"
            );
            cell.owner.store(NONE, Ordering::Relaxed);
        }
        debug_assert!(inner.open, "an open port");
        self.release(object);
    }

    fn result(&mut self, reader: &mut Reader<'_>) {
        let kind = reader.u8();
        let count = reader.u16();
        let task = reader.u32();
        let cell = self.node.tasks.get(task);
        let (state, generation) = cell.state();
        failpoint!("result.before");
        self.release_resources(task);
        self.call_ended(task);
        let retry = kind == outcome::RETRY && state == State::Taken && cell.tries() <= self.retries(task);
        if retry || cell.has(AGAIN) {
            for _ in 0..count {
                let payload = self.payload(reader);
                drop(payload.into_refs(&*self.node.store));
            }
            self.run_again(task);
            return;
        }
        let settles = state == State::Taken && cell.shift(generation, State::Taken, State::Settling);
        failpoint!("result.settling");
        // SAFETY: the port holds the task.
        let results: Vec<u32> = unsafe { cell.spec() }.results().collect();
        let mut results = results.into_iter();
        for _ in 0..count {
            let payload = self.payload(reader);
            self.adopt(&payload);
            if !settles {
                self.discard(payload);
            } else if kind == outcome::OK {
                let result = results.next().expect("as many values as results");
                self.settle(result, Status::Value, payload);
            } else {
                self.actor_made(task, Some(&payload));
                self.fail(task, Status::UserError, &payload);
                self.discard(payload);
            }
        }
        if !settles {
            self.let_go(task);
            return;
        }
        if kind == outcome::OK {
            failpoint!("result.settled");
            self.actor_made(task, None);
            self.task_ended();
        }
        self.free_task(task);
    }

    pub(crate) fn retries(&self, task: u32) -> u32 {
        // SAFETY: the caller holds the task.
        let template = unsafe { self.node.tasks.get(task).spec() }.template;
        self.node.template(template).spec.max_retries
    }

    /// Puts a task that was taken back into its queue for another attempt.
    pub(crate) fn run_again(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        let (_, generation) = cell.state();
        cell.retries.fetch_add(1, Ordering::Relaxed);
        cell.flags.store(0, Ordering::Relaxed);
        failpoint!("task.again");
        cell.port.store(NONE, Ordering::Relaxed);
        if !cell.shift(generation, State::Taken, State::Ready) {
            self.let_go(task);
            return;
        }
        // SAFETY: the caller holds the task.
        if unsafe { cell.spec() }.actor == NONE {
            self.enqueue(task);
        } else {
            self.call_again(task);
        }
    }

    /// A task went on in the background. It holds a CPU from now on, unless it waits in `get` (`lent`).
    fn pending(&mut self, inner: &mut Inner, reader: &mut Reader<'_>) {
        failpoint!("task.pending");
        let lent = reader.u8() != 0;
        let task = reader.u32();
        let cell = self.node.tasks.get(task);
        cell.set(PENDING, true);
        // SAFETY: the port holds the task.
        let spec = unsafe { cell.spec() };
        if spec.actor != NONE {
            self.call_pending(task);
        } else if cell.has(HOLDS) {
            if lent {
                self.lend(task, true);
            } else {
                self.occupy(task, true);
            }
        } else {
            // A plain task ran on the CPU of its batch, which goes on to the next.
            cell.set(HOLDS, true);
            cell.set(LENT, lent);
            self.occupy(task, !lent);
            if !lent && inner.holds_cpu {
                inner.holds_cpu = false;
            } else if !lent {
                self.node.resources.force_cpu(UNIT);
            }
        }
    }

    /// A task begins or ends to have its thread's CPU in the background.
    pub(crate) fn occupy(&mut self, task: u32, begins: bool) {
        let cell = self.node.tasks.get(task);
        // SAFETY: the port holds the task.
        let template = unsafe { cell.spec() }.template;
        if self.node.template(template).spec.demand.cpu < UNIT || cell.set(OCCUPIES, begins) == begins {
            return;
        }
        failpoint!("task.occupy");
        self.node
            .port(cell.port.load(Ordering::Relaxed) as u16)
            .occupy(begins);
        // What the thread has in store is for others now, or there is more that it may take.
        self.work_may_be_possible();
    }

    /// A background task begins or ends waiting in `get`.
    fn block(&mut self, reader: &mut Reader<'_>) {
        failpoint!("task.block");
        let begins = reader.u8() != 0;
        let task = reader.u32();
        // What is not the port's own is not its to change.
        if self.node.tasks.get(task).port.load(Ordering::Relaxed) == u32::from(self.port) {
            self.lend(task, begins);
        }
    }

    fn lend(&mut self, task: u32, lend: bool) {
        let cell = self.node.tasks.get(task);
        // SAFETY: the port holds the task.
        let cpu = self
            .node
            .template(unsafe { cell.spec() }.template)
            .spec
            .demand
            .cpu;
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

    /// One more item of a stream.
    fn yielded(&mut self, reader: &mut Reader<'_>) {
        let task = reader.u32();
        let payload = self.payload(reader);
        self.adopt(&payload);
        let cell = self.node.tasks.get(task);
        // SAFETY: the port holds the task.
        let Some(Consumer { port, life, token }) = unsafe { cell.spec() }
            .stream
            .filter(|_| cell.state().0 == State::Taken)
        else {
            self.discard(payload);
            return;
        };
        failpoint!("task.yield");
        cell.yielded.fetch_add(1, Ordering::Relaxed);
        let object = self.node.take_object(&mut self.object_cells, NONE);
        self.node.objects.get(object).retain();
        self.settle(object, Status::Value, payload);
        self.post(port, Event::Item { life, token, object });
    }
}
