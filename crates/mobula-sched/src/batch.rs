//! Filling a worker's batch, and what comes of a batch that is over.

use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_sync::atomic::Ordering;

use crate::cancel::How;
use crate::failure::Failure;
use crate::forward::Way;
use crate::object::NONE;
use crate::policy::{self, Queue};
use crate::port::{Inner, Port};
use crate::resources::{LESS_THAN_A_CPU, UNIT};
use crate::task::{HOLDS, PENDING, State, TaskId};
use crate::template::{Pointer, Template, Use};
use crate::turn::Turn;
use crate::wire::{ELSEWHERE, ORIGIN, Writer, event};

/// What became of a task that was to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Written {
    /// It is in the inbox; it will take about so many nanoseconds.
    Done(u32),
    /// It was settled meanwhile; the caller lets go of it.
    Gone,
    /// It needs an inbox of so many bytes.
    NoRoom(u32),
}

/// What holds the resources of the special tasks of a batch.
#[derive(Debug, Clone, Copy)]
enum Hold {
    /// The port, for the whole batch: so much CPU.
    Batch(i64),
    /// The only task itself.
    Task,
}

/// A batch that is being filled.
///
/// Its tasks run one after another, so all ask for the same CPU, which the port holds for the batch
/// ([`Inner::holds_cpu`]). One that asks for more than CPU is alone in its batch, and holds all that itself (`HOLDS`).
#[derive(Debug)]
struct Filling<'f, 'w> {
    writer: &'f mut Writer<'w>,
    /// What its tasks will take, by what is known of them.
    spent: u32,
    /// The size of the first record that did not fit.
    needs: Option<u32>,
    /// The CPU that each of its tasks asks for, once it has one; none if it takes no other.
    cpu: Option<i64>,
}

impl Filling<'_, '_> {
    fn has_room(&self, inner: &Inner) -> bool {
        self.needs.is_none() && policy::has_room(inner.batch.len(), self.spent)
    }

    /// Whether a task that asks for so much CPU may be in it.
    fn admits(&self, inner: &Inner, cpu: i64) -> bool {
        self.has_room(inner) && (inner.batch.is_empty() || self.cpu == Some(cpu))
    }
}

/// What a task may need that runs there; in ten-thousandths.
pub(crate) fn most_cpu(port: &Port) -> i64 {
    if port.is_occupied() {
        LESS_THAN_A_CPU
    } else {
        i64::MAX
    }
}

impl Turn<'_> {
    /// Takes back the tasks of the last batch that were not begun, and learns from the others.
    pub(crate) fn end_batch(&mut self, inner: &mut Inner) {
        if inner.batch.is_empty() {
            return;
        }
        failpoint!("batch.end");
        let mut batch = std::mem::take(&mut inner.batch);
        for (slot, &task) in batch.iter().enumerate() {
            if task == NONE {
                continue;
            }
            if self.reclaim(inner, slot, task) {
                failpoint!("batch.reclaim");
                self.take_back_refs(task);
                // SAFETY: the port holds the task.
                inner
                    .kinds
                    .forget(&unsafe { self.node.tasks.get(task).spec() }.template);
                inner.returned.push_back(task);
            } else {
                self.node.remember_begun(inner, self.port, task);
            }
        }
        batch.clear();
        inner.batch = batch;
        inner.has_limits = false;
        self.learn(inner);
    }

    /// Learns how long the tasks of the last batch took.
    fn learn(&self, inner: &mut Inner) {
        let took = self.node.clock.now().saturating_sub(inner.batch_began);
        let begun = inner.kinds.take();
        let offers = self.node.forwarding.is_there();
        let learn = |template: &Template, each, attempts| {
            template.learn(each);
            if offers {
                template.cost.learn(each, attempts);
            }
        };
        if let [(template, count)] = &begun[..] {
            learn(template, took / u64::from(*count), *count);
        } else {
            let estimates = begun.iter().map(|(template, count)| (*count, estimate(template)));
            let estimates: Vec<(u32, u32)> = estimates.collect();
            for ((template, count), each) in begun.iter().zip(policy::shares(took, &estimates)) {
                learn(template, each, *count);
            }
        }
        inner.kinds.reuse(begun);
    }

    /// Hands the thread tasks: those that were handed back first, then those with a priority, then by turns.
    pub(crate) fn write_tasks(&mut self, inner: &mut Inner, writer: &mut Writer<'_>) -> Option<u32> {
        let mut batch = Filling {
            writer,
            spent: 0,
            needs: None,
            cpu: None,
        };
        if self.node.resources.reserved() > 0 {
            // Somebody has waited for long, and may need what the last batch held.
            self.give_batch_cpu(inner);
        }
        self.fill_returned(inner, &mut batch);
        self.fill_special(inner, &mut batch, 1);
        for queue in policy::order(inner.turn) {
            match queue {
                Queue::Own | Queue::Shared => self.fill_plain(inner, &mut batch, queue),
                Queue::Special => self.fill_special(inner, &mut batch, 0),
            }
        }
        if inner.batch.is_empty() {
            self.steal(inner, &mut batch);
        }
        self.fill_special(inner, &mut batch, i32::MIN);
        let Filling { spent, needs, .. } = batch;
        if inner.batch.is_empty() {
            if needs.is_none() {
                self.give_batch_cpu(inner);
            }
            return needs;
        }
        inner.turn = inner.turn.wrapping_add(1);
        inner.batch_began = self.node.clock.now();
        let crew = self.node.crew(inner.crew.as_deref());
        let queued = crew.lanes.len() + crew.sorted.len() + self.node.port(self.port).local.len();
        if policy::leaves_work(queued, inner.batch.len(), spent) {
            self.node.wake_for_work(crew);
        }
        self.node.watch();
        needs
    }

    /// Tasks that were handed back go on; into their queues if they cannot go on here.
    fn fill_returned(&mut self, inner: &mut Inner, batch: &mut Filling<'_, '_>) {
        while let Some(&task) = inner.returned.front() {
            let cell = self.node.tasks.get(task);
            // SAFETY: the port holds the task.
            let cpu = unsafe { cell.spec() }.template.demand.cpu;
            let alone = cell.has(HOLDS);
            if !inner.batch.is_empty() && (alone || !batch.admits(inner, cpu)) {
                return;
            }
            let may = cpu <= most_cpu(self.node.port(self.port)) && (alone || self.hold_cpu(inner, cpu));
            if !may {
                self.requeue_returned(inner);
                return;
            }
            if alone {
                self.give_batch_cpu(inner);
            }
            inner.returned.pop_front();
            self.write(inner, batch, task, (!alone).then_some(cpu));
            if batch.needs.is_some() {
                return;
            }
        }
    }

    /// Plain tasks of this thread's own queue or of its crew's.
    fn fill_plain(&mut self, inner: &mut Inner, batch: &mut Filling<'_, '_>, queue: Queue) {
        let port = self.node.port(self.port);
        if port.is_occupied() {
            return;
        }
        let crew = self.crew.clone();
        let crew = self.node.crew(crew.as_deref());
        let shared = &crew.lanes.plain;
        // The oldest of the crew's, where the node belongs to a cluster.
        let any_sorted = crew.sorted.any();
        while batch.admits(inner, UNIT) {
            let task = if queue == Queue::Own {
                if port.local.len() == 0 || !self.hold_cpu(inner, UNIT) {
                    return;
                }
                port.local.pop()
            } else {
                if (shared.is_empty() && !any_sorted) || !self.hold_cpu(inner, UNIT) {
                    return;
                }
                let oldest = any_sorted.then(|| self.node.take_sorted(crew)).flatten();
                oldest.or_else(|| shared.pop())
            };
            let Some(task) = task else { return };
            self.write(inner, batch, task, Some(UNIT));
        }
    }

    /// Plain tasks that another thread has in store.
    fn steal(&mut self, inner: &mut Inner, batch: &mut Filling<'_, '_>) {
        let port = self.node.port(self.port);
        if !batch.admits(inner, UNIT)
            || port.is_occupied()
            || !self.node.has_local(self.job())
            || !self.hold_cpu(inner, UNIT)
        {
            return;
        }
        port.local.push_all(&self.node.steal(self.port, self.job()));
        self.fill_plain(inner, batch, Queue::Own);
    }

    /// Special tasks of at least that priority, if the batch is empty.
    fn fill_special(&mut self, inner: &mut Inner, batch: &mut Filling<'_, '_>, least_priority: i32) {
        while inner.batch.is_empty() && batch.needs.is_none() {
            let cpu = match self.pop_special(inner, least_priority) {
                None => return,
                Some(Hold::Batch(cpu)) => Some(cpu),
                Some(Hold::Task) => None,
            };
            while batch.needs.is_none()
                && let Some(task) = inner.returned.pop_front()
            {
                self.write(inner, batch, task, cpu);
            }
            // Others of its priority may wait that it has no resources for, and plain ones must not overtake them.
            batch.cpu = None;
        }
    }

    /// Takes special tasks for a batch, and what they ask for, into `returned`, which is empty. Nothing if there are
    /// none that may run.
    fn pop_special(&mut self, inner: &mut Inner, least_priority: i32) -> Option<Hold> {
        debug_assert!(inner.returned.is_empty(), "what was handed back went first");
        let node = self.node;
        let most_cpu = most_cpu(node.port(self.port));
        // What the last batch held is as good as free.
        let held = inner.holds_cpu;
        let (mut count, mut spent) = (0, 0_u32);
        let fits = |task| {
            // SAFETY: the lane held the task, and its lock is held.
            let template = &unsafe { node.tasks.get(task).spec() }.template;
            count += 1;
            spent = spent.saturating_add(estimate(template));
            policy::has_room(count, spent)
        };
        let take = |demand: &_, reserved| node.resources.try_exchange(held, demand, reserved);
        let (demand, tasks) =
            node.crew(inner.crew.as_deref())
                .lanes
                .pop_special(least_priority, most_cpu, take, fits)?;
        let own = !demand.others.is_empty();
        inner.holds_cpu = if own { 0 } else { demand.cpu };
        for &task in &tasks {
            node.tasks.get(task).set(HOLDS, own);
        }
        inner.returned.extend(tasks);
        failpoint!("task.special");
        if held > demand.cpu {
            self.work_may_be_possible();
        }
        Some(if own { Hold::Task } else { Hold::Batch(demand.cpu) })
    }

    /// Adds a task to the batch, unless it is gone or does not fit. `cpu`: as in [`Filling`].
    fn write(&mut self, inner: &mut Inner, batch: &mut Filling<'_, '_>, task: u32, cpu: Option<i64>) {
        match self.write_task(inner, task, batch.writer) {
            Written::Gone => {
                self.release_resources(task);
                self.holder_leaves(task);
            }
            Written::NoRoom(size) => {
                inner.returned.push_front(task);
                batch.needs = Some(size);
            }
            Written::Done(cost) => {
                batch.spent = batch.spent.saturating_add(cost);
                batch.cpu = cpu;
            }
        }
    }

    pub(crate) fn give_batch_cpu(&mut self, inner: &mut Inner) {
        let held = std::mem::take(&mut inner.holds_cpu);
        if held > 0 {
            self.node.resources.give_cpu(held);
            self.work_may_be_possible();
        }
    }

    /// Has the port hold so much CPU for its batch, if it is free.
    fn hold_cpu(&mut self, inner: &mut Inner, cpu: i64) -> bool {
        let more = cpu - inner.holds_cpu;
        if more > 0 {
            let has_reserved = self.node.crew(inner.crew.as_deref()).has_reserved();
            if !self.node.resources.try_cpu(more, has_reserved) {
                return false;
            }
        }
        if more < 0 {
            self.node.resources.give_cpu(-more);
            self.work_may_be_possible();
        }
        inner.holds_cpu = cpu;
        true
    }

    /// A task that was handed to a thread, but not begun, waits in its queue again.
    pub(crate) fn requeue(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        self.in_hand = task;
        self.release_resources(task);
        let (state, generation) = cell.state();
        failpoint!("task.put_back");
        // From here on a queue holds the task: the burial of this port must not find it.
        cell.port.store(NONE, Ordering::Relaxed);
        if state == State::Ready || cell.shift(generation, State::Taken, State::Ready) {
            self.enqueue(task);
        } else {
            self.holder_leaves(task);
        }
    }

    /// A task whose thread could not load its code goes back: nothing of it has run, so nothing is counted. A creation is
    /// placed on another thread.
    pub(crate) fn hand_back(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        self.release_resources(task);
        self.call_ended(task);
        cell.set(PENDING, false);
        cell.deadline.store(0, Ordering::Relaxed);
        failpoint!("task.hand_back");
        // SAFETY: the port holds the task.
        if unsafe { cell.spec() }.actor == NONE {
            self.requeue(task);
        } else {
            self.place_anew(task);
        }
    }

    /// Puts tasks that were handed back, and cannot go on here, into their queue again.
    pub(crate) fn requeue_returned(&mut self, inner: &mut Inner) {
        for task in std::mem::take(&mut inner.returned) {
            self.requeue(task);
        }
        self.pass_on();
    }

    /// Writes a task, ready or taken by this port already, into the inbox, and its claim word. The port goes on
    /// holding it, however it turns out.
    pub(crate) fn write_task(&mut self, inner: &mut Inner, task: u32, writer: &mut Writer<'_>) -> Written {
        let slot = inner.batch.len();
        let written = self.write_record(task, slot as u16, None, writer);
        if !matches!(written, Written::Done(_)) {
            return written;
        }
        let cell = self.node.tasks.get(task);
        // SAFETY: this port is the task's holder.
        let template = &unsafe { cell.spec() }.template;
        if template.spec.timeout_ms > 0 {
            // The time of this attempt begins when it does.
            cell.deadline.store(0, Ordering::Relaxed);
            inner.has_limits = true;
        }
        inner.kinds.add(template);
        inner.batch.push(task);
        failpoint!("task.offer");
        inner.regions.offer(slot);
        written
    }

    /// Writes a task, ready or taken by this port already, into the inbox. The port goes on holding it, however it turns out.
    /// `way`: for the agent.
    pub(crate) fn write_record(
        &mut self,
        task: u32,
        slot: u16,
        way: Option<&Way>,
        writer: &mut Writer<'_>,
    ) -> Written {
        let cell = self.node.tasks.get(task);
        let (state, generation) = cell.state();
        self.in_hand = task;
        if !matches!(state, State::Ready | State::Taken) {
            return Written::Gone;
        }
        // SAFETY: the queue gave the task to this port, which is its holder now.
        let spec = unsafe { cell.spec() };
        let elsewhere = way.map_or(&[][..], |way| &way.elsewhere);
        let node = self.node;
        let is_here = |at: usize| {
            elsewhere
                .binary_search_by_key(&(at as u32), |each| each.0)
                .is_err()
        };
        let deps = || {
            let all = spec.deps.iter().enumerate();
            all.filter(|&(at, _)| is_here(at))
                .map(|(_, &dep)| &node.outcome_of(dep).1)
        };
        let origin = spec.origin.as_deref().map_or(&[][..], |origin| &origin[..]);
        let places = if elsewhere.is_empty() {
            0
        } else {
            4 + 8 * elsewhere.len()
        };
        let size = 28
            + places
            + origin.len()
            + Writer::size(&spec.arguments)
            + deps().map(Writer::size).sum::<usize>();
        if size > self.node.max_inbox {
            let id = TaskId {
                index: task,
                generation,
            };
            // The port is its holder, and lets go of it.
            self.stop_because(id, Failure::TooLarge, &[], How::default());
            return Written::Gone;
        }
        if size > writer.room() {
            return Written::NoRoom(size as u32);
        }
        failpoint!("task.take");
        // The port is written before the task is taken: whoever sees Taken sees the port.
        cell.port.store(u32::from(self.port), Ordering::Relaxed);
        if state == State::Ready && !cell.shift(generation, State::Ready, State::Taken) {
            return Written::Gone;
        }
        failpoint!("task.taken");
        let mut flags = u8::from(spec.creates) | if origin.is_empty() { 0 } else { ORIGIN };
        if !elsewhere.is_empty() {
            flags |= ELSEWHERE;
        }
        writer.head(event::TASK, flags, slot);
        writer.u32(task);
        writer.u32(generation);
        writer.u32(spec.template.number);
        writer.u32(cell.attempt());
        writer.u32(match way {
            Some(way) => way.line,
            None if spec.actor == NONE => cell.yielded.load(Ordering::Relaxed),
            None => spec.actor,
        });
        writer.u32(spec.deps.len() as u32);
        writer.bytes(origin);
        if !elsewhere.is_empty() {
            writer.u32(elsewhere.len() as u32);
            for &(position, place) in elsewhere {
                writer.u32(position);
                writer.u32(place);
            }
        }
        self.lend_refs(&spec.arguments);
        writer.payload(&spec.arguments);
        for payload in deps() {
            self.lend_refs(payload);
            writer.payload(payload);
        }
        Written::Done(estimate(&spec.template))
    }
}

/// How long a task of that template takes, as far as is known.
fn estimate(template: &Template) -> u32 {
    template.average().unwrap_or(policy::BATCH_NANOSECONDS)
}

/// To how many kinds of a batch that of the next task is compared.
const LAST_KINDS: usize = 4;

/// How many tasks of which templates a batch has. The tasks may have ended, and their templates.
#[derive(Debug, Default)]
pub(crate) struct Kinds(Vec<(Arc<Template>, u32)>);

impl Kinds {
    /// One more task of `template`. Batches are mostly of a few kinds, so only the last ones are compared.
    fn add(&mut self, template: &Use) {
        let mut last = self.0.iter_mut().rev().take(LAST_KINDS);
        match last.find(|(kind, _)| Pointer::of(kind) == template.pointer()) {
            Some((_, count)) => *count += 1,
            None => self.0.push((template.share(), 1)),
        }
    }

    /// What the first are called.
    pub(crate) fn first(&self) -> Option<Arc<str>> {
        self.0
            .first()
            .map(|(template, _)| Arc::clone(&template.spec.name))
    }

    /// The template that all tasks that were begun are of, if that is one.
    pub(crate) fn only(&self) -> Option<&Template> {
        let mut begun = self.0.iter().filter(|(_, count)| *count > 0);
        begun
            .next()
            .filter(|_| begun.next().is_none())
            .map(|(template, _)| &**template)
    }

    /// A task of `template` was not begun.
    pub(crate) fn forget(&mut self, template: &Use) {
        let mut kinds = self.0.iter_mut().rev();
        let of = |kind: &Arc<Template>| Pointer::of(kind) == template.pointer();
        if let Some((_, count)) = kinds.find(|(kind, count)| of(kind) && *count > 0) {
            *count -= 1;
        }
    }

    /// How many of each template were begun, each once; nothing is left.
    fn take(&mut self) -> Vec<(Arc<Template>, u32)> {
        let mut kinds = std::mem::take(&mut self.0);
        if kinds.len() > 1 {
            kinds.sort_unstable_by_key(|(template, _)| template.number);
            kinds.dedup_by(|next, first| {
                let same = next.0.number == first.0.number;
                if same {
                    first.1 += next.1;
                }
                same
            });
        }
        kinds.retain(|&(_, count)| count > 0);
        kinds
    }

    /// Keeps the memory of what `take` gave.
    fn reuse(&mut self, mut kinds: Vec<(Arc<Template>, u32)>) {
        kinds.clear();
        self.0 = kinds;
    }
}
