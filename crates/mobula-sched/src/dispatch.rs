//! Handing tasks and news to a thread.

use mobula_fault::failpoint;
use mobula_sync::atomic::Ordering;
use mobula_sync::thread::pause;

use crate::away::as_told;
use crate::batch::most_cpu;
use crate::crew::Crew;
use crate::failure::{self, Failure};
use crate::node::Node;
use crate::object::{NONE, Status};
use crate::policy::SPIN_NANOSECONDS;
use crate::port::{Event, Inner, Port, PortKind};
use crate::template::Use;
use crate::turn::Turn;
use crate::violation::{PortError, Violation};
use crate::wire::{Writer, event};

/// News of at most so many bytes are read so soon that the thread may count as asleep already.
const FEW_BYTES: u32 = 128;

/// What [`Node::step`] left in the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many bytes of news.
    Filled(u32),
    /// So many bytes of news, which are all there are: the bell will ring when there are more.
    Last(u32),
    /// Nothing, and the bell will ring when there is something.
    Asleep,
    /// The next record alone needs an inbox of this size.
    NeedsInbox(u32),
}

impl Node {
    /// Carries out the thread's commands up to `commands` bytes, and nothing else.
    ///
    /// # Errors
    /// When the port is closed, or the commands are wrong.
    pub fn flush(&self, port: u16, commands: usize) -> Result<(), PortError> {
        let port = self.port(port);
        let mut inner = port.inner.lock();
        self.visit(port, &mut inner, |turn, inner| {
            turn.take_commands(inner, commands)
        })
    }

    /// Carries out the thread's commands up to `commands` bytes; they stay where they are, and what is written behind them is
    /// carried out later.
    ///
    /// # Errors
    /// As [`Node::flush`].
    pub fn advance(&self, port: u16, commands: usize) -> Result<(), PortError> {
        let port = self.port(port);
        let mut inner = port.inner.lock();
        self.visit(port, &mut inner, |turn, inner| {
            if commands > inner.consumed {
                turn.harvest(inner, commands)?;
            }
            Ok(())
        })
    }

    /// Carries out commands that are not in the thread's command region.
    ///
    /// # Errors
    /// As [`Node::flush`].
    pub fn execute(&self, port: u16, commands: &[u8]) -> Result<(), PortError> {
        let port = self.port(port);
        let mut inner = port.inner.lock();
        self.visit(port, &mut inner, |turn, inner| turn.run(inner, commands))
    }

    /// Carries out the thread's commands up to `commands` bytes, then fills its inbox with news and,
    /// for threads that run tasks, with tasks. `spin`: look for work a little before going to sleep.
    /// `take`: hand out tasks as well; without it the thread's batch stays as it is.
    ///
    /// # Errors
    /// As [`Node::flush`].
    pub fn step(&self, port: u16, commands: usize, spin: bool, take: bool) -> Result<Step, PortError> {
        let port = self.port(port);
        let mut looked = false;
        loop {
            let mut inner = port.inner.lock();
            failpoint!("step.begin");
            port.doorbell.awake();
            let filled = self.visit(port, &mut inner, |turn, inner| {
                while let Some(object) = inner.delivered.pop() {
                    turn.release(object);
                }
                if take {
                    turn.end_batch(inner);
                }
                turn.take_commands(inner, if looked { 0 } else { commands })?;
                turn.pass_on();
                Ok(turn.fill(port, inner, take))
            })?;
            if let Step::Filled(bytes) = filled {
                // Whoever waits for one thing at a time need not come back to hear that there is nothing more. What was
                // delivered with buffers is let go by the next step, which must not be far.
                let may_be_last = inner.kind == PortKind::Driver
                    && bytes <= FEW_BYTES
                    && inner.delivered.is_empty()
                    && inner.unread.is_empty();
                drop(inner);
                if may_be_last && self.sleep(port, self.crew(None), false) {
                    return Ok(Step::Last(bytes));
                }
                return Ok(filled);
            }
            if filled != Step::Asleep {
                return Ok(filled);
            }
            let crew = inner.crew.clone();
            drop(inner);
            let crew = self.crew(crew.as_deref());
            if spin && take && !looked && self.look_for_work(port, crew) {
                looked = true;
                continue;
            }
            looked = true;
            failpoint!("step.sleep");
            if self.sleep(port, crew, take) {
                failpoint!("step.asleep");
                return Ok(Step::Asleep);
            }
            // Something came, or is still being written by a thread that had better go on.
            pause();
        }
    }

    /// A thread that runs tasks takes no more of them, and steps without from now on. What it has in store, and its batch's
    /// CPU, are for others; what it has begun goes on.
    ///
    /// # Errors
    /// As [`Node::flush`].
    pub fn stop_taking(&self, port: u16) -> Result<(), PortError> {
        let port = self.port(port);
        let mut inner = port.inner.lock();
        if inner.kind != PortKind::Worker {
            return Ok(());
        }
        self.visit(port, &mut inner, |turn, inner| {
            turn.end_batch(inner);
            failpoint!("take.stop");
            // What its tasks submit from now on is not put into its own queue.
            port.runs_tasks.store(false, Ordering::Relaxed);
            self.crew(inner.crew.as_deref())
                .lanes
                .plain
                .push_all(&port.local.take_all());
            turn.requeue_returned(inner);
            turn.give_batch_cpu(inner);
            turn.work_may_be_possible();
            turn.pass_on();
            Ok(())
        })?;
        let crew = inner.crew.clone();
        drop(inner);
        failpoint!("take.stopped");
        let crew = self.crew(crew.as_deref());
        crew.idle.remove(port.id);
        crew.occupied.remove(port.id);
        self.pass_ring_on(crew);
        Ok(())
    }

    /// Spins until there is something for the port or time is up; true if there may be.
    fn look_for_work(&self, port: &Port, crew: &Crew) -> bool {
        // One at a time: a second worker that spins would take a core from the first.
        let runs_tasks = port.runs_tasks.load(Ordering::Relaxed);
        if port.is_occupied() || self.forwarding.is_agent(u32::from(port.id)) {
            // Nobody is woken while a worker looks, and it could take next to nothing.
            return false;
        }
        let first = if runs_tasks {
            crew.idle.look()
        } else {
            self.hosts_searching.swap(1, Ordering::Relaxed) == 0
        };
        if !first {
            return false;
        }
        let end = self.clock.now() + SPIN_NANOSECONDS;
        let mut found = false;
        while !found {
            for _ in 0..32 {
                pause();
                found |= port.has_mail.load(Ordering::Relaxed);
            }
            found |= self.port_has_work(port, crew);
            if self.clock.now() > end {
                break;
            }
        }
        if runs_tasks {
            crew.idle.looked();
        } else {
            self.hosts_searching.store(0, Ordering::Relaxed);
        }
        found
    }

    fn port_has_work(&self, port: &Port, crew: &Crew) -> bool {
        if port.has_mail.load(Ordering::Acquire) {
            return true;
        }
        if port.is_occupied() {
            crew.lanes.has_special(&self.resources, most_cpu(port))
        } else if port.runs_tasks.load(Ordering::Relaxed) {
            self.has_work(crew)
        } else if self.forwarding.is_agent(u32::from(port.id)) {
            self.forwarding.has_news()
        } else {
            port.has_calls.load(Ordering::Acquire)
        }
    }

    /// Announces that the port sleeps; false if something came up.
    fn sleep(&self, port: &Port, crew: &Crew, take: bool) -> bool {
        let runs_tasks = port.runs_tasks.load(Ordering::Relaxed);
        if !take {
            let asleep = port
                .doorbell
                .sleep_unless(|| port.has_mail.load(Ordering::Acquire));
            if runs_tasks {
                crew.occupied.remove(port.id);
                crew.idle.remove(port.id);
                self.pass_ring_on(crew);
            }
            return asleep;
        }
        if !runs_tasks {
            return port.doorbell.sleep_unless(|| self.port_has_work(port, crew));
        }
        let list = if port.is_occupied() {
            crew.occupied.list(port.id);
            crew.idle.remove(port.id);
            self.pass_ring_on(crew);
            &crew.occupied
        } else {
            crew.idle.list(port.id);
            crew.occupied.remove(port.id);
            &crew.idle
        };
        port.doorbell
            .sleep_unless(|| self.port_has_work(port, crew) || !list.is_listed(port.id))
    }

    /// The thread does not take what there may be, so nobody may count on it, and a ring it got for that is another's.
    fn pass_ring_on(&self, crew: &Crew) {
        if self.has_work(crew) {
            self.wake_for_work(crew);
        }
    }
}

impl Turn<'_> {
    fn take_commands(&mut self, inner: &mut Inner, to: usize) -> Result<(), Violation> {
        if to > 0 {
            self.harvest(inner, to)?;
        }
        inner.consumed = 0;
        inner.regions.reset_published();
        Ok(())
    }

    /// Writes news, then tasks.
    fn fill(&mut self, port: &Port, inner: &mut Inner, take: bool) -> Step {
        if take {
            port.has_calls.store(false, Ordering::Relaxed);
        }
        if port.has_mail.swap(false, Ordering::Acquire) {
            let events = std::mem::take(&mut port.mail.lock().events);
            inner.unread.extend(events);
        }
        let bytes: *mut [u8] = inner.regions.inbox();
        // SAFETY: the bytes lie in the inbox region, not in `inner`; it stays while the lock is held.
        let mut writer = Writer::new(unsafe { &mut *bytes }, 0);
        let needs = self.write_news(inner, &mut writer).or_else(|| match inner.kind {
            PortKind::Driver => None,
            _ if !take => None,
            PortKind::Worker => self.write_tasks(inner, &mut writer),
            PortKind::Host => self.write_calls(inner, &mut writer),
            PortKind::Agent => self.write_forwarded(inner, &mut writer),
        });
        inner.filled = writer.at();
        match needs {
            Some(size) if writer.at() == 0 => Step::NeedsInbox(size),
            _ if writer.at() == 0 => Step::Asleep,
            _ => Step::Filled(writer.at() as u32),
        }
    }

    /// Gives the size of the first record that does not fit, if any.
    fn write_news(&mut self, inner: &mut Inner, writer: &mut Writer<'_>) -> Option<u32> {
        while let Some(news) = inner.unread.pop_front() {
            if self.is_for_another(&news, inner) {
                self.undelivered(vec![news]);
                continue;
            }
            let size = self.size_of(&news);
            if size > self.node.max_inbox {
                self.write_too_large(news, writer);
                continue;
            }
            if size > writer.room() {
                inner.unread.push_front(news);
                return Some(size as u32);
            }
            failpoint!("news.write");
            self.write_event(&news, writer);
        }
        None
    }

    /// Whether news are meant for a thread that has had this one's number, or are of a thread or an actor that has had the
    /// number of one that lives.
    fn is_for_another(&self, news: &Event, inner: &Inner) -> bool {
        match *news {
            Event::Settled { life, .. } | Event::Item { life, .. } => life != self.life,
            Event::KillPort { port, life, .. } => life != self.node.port(port).life(),
            Event::StopActor { actor } => self.lives_on(actor, inner.host.as_ref()),
            _ => false,
        }
    }

    /// Writes an error in place of a value that no inbox can hold.
    fn write_too_large(&mut self, news: Event, writer: &mut Writer<'_>) {
        if let Event::Settled { token, .. } = news {
            writer.head(event::VALUE, Status::SystemError as u8, 0);
            writer.u32(token);
            writer.payload(&failure::encode(Failure::TooLarge, &Use::default(), 0, &[]));
        }
        self.undelivered(vec![news]);
    }

    fn size_of(&self, news: &Event) -> usize {
        match news {
            Event::Settled {
                object, value: true, ..
            } => 8 + Writer::size(&self.node.outcome_of(*object).1),
            _ => 20,
        }
    }

    fn write_event(&mut self, news: &Event, writer: &mut Writer<'_>) {
        match *news {
            Event::Settled {
                object,
                token,
                value: true,
                ..
            } => {
                let (status, payload) = self.node.outcome_of(object);
                debug_assert_ne!(
                    *status,
                    Status::Away,
                    "who waits for a value waits until it is here"
                );
                writer.head(event::VALUE, *status as u8, 0);
                writer.u32(token);
                self.lend_refs(payload);
                writer.payload(payload);
                if payload.links().is_some() {
                    // Its buffers stay until the thread has read them.
                    self.delivered.push(object);
                } else {
                    self.release(object);
                }
            }
            Event::Settled {
                object,
                token,
                value: false,
                ..
            } => {
                let (status, _) = self.node.objects.get(object).outcome();
                writer.head(event::READY, as_told(*status), 0);
                writer.u32(token);
                self.release(object);
            }
            Event::Item { token, object, .. } => {
                *self.borrowed.entry(object).or_insert(0) += 1;
                writer.head(event::ITEM, 0, 0);
                writer.u32(token);
                writer.u32(object);
                writer.u32(self.node.objects.get(object).generation.load(Ordering::Relaxed));
            }
            Event::StopTask { task, how } => {
                let flags = u8::from(how.force) | u8::from(how.recursive) << 1;
                writer.head(event::STOP_TASK, flags, 0);
                writer.u32(task.index);
                writer.u32(task.generation);
            }
            Event::Credit { task, items } => {
                writer.head(event::CREDIT, 0, 0);
                writer.u32(task.index);
                writer.u32(task.generation);
                writer.u32(items);
            }
            Event::Place(news) => news.write(writer),
            Event::StopActor { actor } => {
                writer.head(event::STOP_ACTOR, 0, 0);
                writer.u32(actor);
            }
            Event::NeedCrew { job } => {
                writer.head(event::NEED_CREW, 0, 0);
                writer.u32(job);
            }
            Event::CrewOver { job } => {
                writer.head(event::CREW_OVER, 0, 0);
                writer.u32(job);
            }
            Event::NeedWorker { host, own } => {
                writer.head(event::NEED_WORKER, u8::from(own), 0);
                writer.u32(host);
            }
            Event::RetireHost { host } => {
                writer.head(event::RETIRE_HOST, 0, 0);
                writer.u32(host);
            }
            Event::KillPort { port, task, .. } => {
                writer.head(event::KILL_PORT, 0, 0);
                writer.u32(u32::from(port));
                writer.u32(task.map_or(NONE, |task| task.index));
                writer.u32(task.map_or(NONE, |task| task.generation));
            }
            Event::Collect => {
                self.node.port(self.port).collects();
                writer.head(event::COLLECT, 0, 0);
            }
            Event::ForgetTemplate { template } => {
                writer.head(event::FORGET, 0, 0);
                writer.u32(template);
            }
            Event::ForgetCode { object, generation } => {
                writer.head(event::FORGET, 1, 0);
                writer.u32(object);
                writer.u32(generation);
            }
            Event::Idle => writer.head(event::IDLE, 0, 0),
            Event::StopActors => writer.head(event::STOP_ACTORS, 0, 0),
            Event::SlowWaits => writer.head(event::SLOW_WAITS, 0, 0),
        }
    }

    /// The thread is about to get handles for the refs in `payload`.
    pub(crate) fn lend_refs(&mut self, payload: &crate::payload::Payload) {
        for &object in payload.links().iter().flat_map(|links| &links.refs) {
            self.node.objects.get(object).retain();
            *self.borrowed.entry(object).or_insert(0) += 1;
        }
    }

    /// A task that was handed out comes back unbegun: its thread did not read it, so it has no handles.
    pub(crate) fn take_back_refs(&mut self, task: u32) {
        // SAFETY: the port holds the task.
        let spec = unsafe { self.node.tasks.get(task).spec() };
        let deps = spec.deps.iter().map(|&dep| &self.node.outcome_of(dep).1);
        for payload in deps.chain([&spec.arguments]) {
            for &object in payload.links().iter().flat_map(|links| &links.refs) {
                self.unlend(object);
                self.release(object);
            }
        }
    }

    /// The port has one handle less that it was lent; false if it has none.
    pub(crate) fn unlend(&mut self, object: u32) -> bool {
        let Some(count) = self.borrowed.get_mut(&object) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            self.borrowed.remove(&object);
        }
        true
    }
}

const _: () = assert!(Status::Value as u8 == 0, "JavaScript tests the status for zero");
