//! Tasks that go to another node before their arguments are there, as these are being made at that node: each goes behind its
//! makers, so a chain of tasks costs no way back and forth for each.
//!
//! 1. Only the first task that waits for an attempt goes behind it: others may find room elsewhere.
//! 2. A task that has gone is `Taken`, and its arguments go on arriving. The agent owes an arrival too, so the last argument does
//!    not make the task ready; whoever arrives last holds it.
//! 3. What comes back counts if all arguments have become values: these are what the attempt had, as a node answers in the order
//!    in which its tasks end. Else the task waits here again.

use std::collections::VecDeque;

use mobula_fault::failpoint;
use mobula_sync::Mutex;
use mobula_sync::atomic::Ordering;
use rustc_hash::FxHashMap;

use crate::away::is_value;
use crate::object::{NONE, Status};
use crate::port::Inner;
use crate::task::{self, Spec, State, TaskId};
use crate::turn::Turn;
use crate::wire::{self, Writer, event};

/// Bytes of a record before the makers of what is missing, and of one maker.
const HEAD: usize = 28;
const MAKER: usize = 16;

/// The tasks that may go behind others.
#[derive(Debug, Default)]
pub(crate) struct Following(Mutex<Queues>);

#[derive(Debug, Default)]
struct Queues {
    /// By the cell of a task that has not gone: its generation, and the first task that waits for it. An entry stays until the
    /// task goes, or the cell has another.
    behind: FxHashMap<u32, (u32, TaskId)>,
    /// Tasks whose first maker has gone, oldest first. They may have ended.
    next: VecDeque<TaskId>,
    /// How many the agent takes.
    window: u32,
}

/// An argument that is not there yet.
#[derive(Debug)]
struct Missing {
    position: u32,
    maker: TaskId,
    /// Which of the maker's results it is.
    result: u32,
}

/// Why a task does not go now.
enum Stays {
    /// It goes another way, or has ended.
    Ends,
    /// This maker has not gone.
    Behind(TaskId),
    /// Its record does not fit.
    NoRoom(u32),
}

impl Following {
    /// A task waits for what `maker` makes. True if it may go now.
    fn wait(&self, task: TaskId, maker: TaskId, has_gone: impl Fn(TaskId) -> bool) -> bool {
        let mut queues = self.0.lock();
        // Under the lock: who takes the maker out looks for the task after that.
        if has_gone(maker) {
            queues.next.push_back(task);
            return true;
        }
        let entry = queues
            .behind
            .entry(maker.index)
            .or_insert((maker.generation, task));
        if entry.0 != maker.generation {
            *entry = (maker.generation, task);
        }
        false
    }

    /// A task has gone: what waits for it may follow.
    fn gone(&self, maker: TaskId) {
        let mut queues = self.0.lock();
        if let Some((generation, task)) = queues.behind.remove(&maker.index)
            && generation == maker.generation
        {
            queues.next.push_back(task);
        }
    }

    /// The agent takes so many more.
    pub(crate) fn open(&self, window: u32) {
        self.0.lock().window = window;
    }

    /// A task has gone behind others.
    fn followed(&self, task: TaskId) {
        self.0.lock().window -= 1;
        self.gone(task);
    }

    fn pop(&self) -> Option<TaskId> {
        let mut queues = self.0.lock();
        if queues.window == 0 {
            return None;
        }
        queues.next.pop_front()
    }

    fn keep(&self, task: TaskId) {
        self.0.lock().next.push_front(task);
    }
}

impl Turn<'_> {
    /// The first task that makes an argument which is not there; nothing if there is none, or this node keeps the task. The caller
    /// holds the task.
    pub(crate) fn first_maker(&self, spec: &Spec) -> Option<TaskId> {
        if !spec.template.is_forwarded()
            || spec.origin.is_some()
            || spec.actor != NONE
            || spec.stream.is_some()
        {
            return None;
        }
        spec.deps.iter().find_map(|&dep| {
            let object = self.node.objects.get(dep);
            let maker = TaskId::unpack(object.producer.load(Ordering::Relaxed))?;
            (!object.waiters.is_done()).then_some(maker)
        })
    }

    /// A task waits for what `maker` makes, and may go behind it.
    pub(crate) fn may_follow(&mut self, task: TaskId, maker: TaskId) {
        if self
            .node
            .following
            .wait(task, maker, |maker| self.has_gone(maker))
        {
            self.node.forwarding.change();
            self.tell_agent();
        }
    }

    /// Whether the agent has a task, which nobody has settled.
    fn has_gone(&self, task: TaskId) -> bool {
        let cell = self.node.tasks.get(task.index);
        cell.state() == (State::Taken, task.generation)
            && self.node.forwarding.is_agent(cell.port.load(Ordering::Relaxed))
    }

    /// The agent has been handed a task.
    pub(crate) fn has_left(&self, task: u32) {
        let (_, generation) = self.node.tasks.get(task).state();
        self.node.following.gone(TaskId {
            index: task,
            generation,
        });
    }

    /// Hands the agent tasks that go behind others. Gives the size of a record that does not fit.
    pub(crate) fn write_followers(&mut self, inner: &mut Inner, writer: &mut Writer<'_>) -> Option<u32> {
        let node = self.node;
        while let Some(id) = node.following.pop() {
            failpoint!("follow.take");
            match self.write_follower(id, writer) {
                Ok(()) => {
                    node.remember_begun(inner, self.port, id.index);
                    node.following.followed(id);
                }
                Err(Stays::Ends) => {}
                Err(Stays::Behind(maker)) => self.may_follow(id, maker),
                Err(Stays::NoRoom(size)) => {
                    node.following.keep(id);
                    node.forwarding.change();
                    return Some(size);
                }
            }
        }
        None
    }

    fn write_follower(&mut self, id: TaskId, writer: &mut Writer<'_>) -> Result<(), Stays> {
        let cell = self.node.tasks.get(id.index);
        if !cell.missing.join() {
            return Err(Stays::Ends);
        }
        let outcome = self.take_follower(id, writer);
        if outcome.is_err() {
            self.agent_arrives(id.index);
        }
        outcome
    }

    /// Writes the record, if the task is to go. The agent's arrival is owed.
    fn take_follower(&mut self, id: TaskId, writer: &mut Writer<'_>) -> Result<(), Stays> {
        let node = self.node;
        let cell = node.tasks.get(id.index);
        if cell.state() != (State::Waiting, id.generation) {
            return Err(Stays::Ends);
        }
        // SAFETY: the task waits, and its last arrival is not made before the agent's: so it is not freed.
        let spec = unsafe { cell.spec() };
        let missing = self.missing(spec)?;
        if missing.len() + 1 != cell.missing.left() as usize {
            // An argument is arriving just now.
            return Err(Stays::Ends);
        }
        let there = || {
            let objects = spec.deps.iter().map(|&dep| node.objects.get(dep));
            objects.filter(|object| object.waiters.is_done())
        };
        if there().any(|object| object.outcome().0 != Status::Value) {
            return Err(Stays::Ends);
        }
        let values: usize = there().map(|object| Writer::size(&object.outcome().1)).sum();
        let size = HEAD + 4 + missing.len() * MAKER + Writer::size(&spec.arguments) + values;
        if size > node.max_inbox {
            // It fails as it is handed out with all its arguments.
            return Err(Stays::Ends);
        }
        if size > writer.room() {
            return Err(Stays::NoRoom(size as u32));
        }
        // The port is written before the task is taken: whoever sees Taken sees the port.
        cell.port.store(u32::from(self.port), Ordering::Relaxed);
        if !cell.shift(id.generation, State::Waiting, State::Taken) {
            // Somebody settles it. Its last argument lets go of it, not the agent.
            cell.port.store(NONE, Ordering::Relaxed);
            return Err(Stays::Ends);
        }
        cell.set(task::FOLLOWS, true);
        for Missing { maker, .. } in &missing {
            node.tasks.get(maker.index).set(task::FOLLOWED, true);
        }
        failpoint!("follow.taken");
        writer.head(event::TASK, wire::FOLLOWS, 0);
        writer.u32(id.index);
        writer.u32(id.generation);
        writer.u32(spec.template.number);
        writer.u32(cell.attempt());
        writer.u32(0);
        writer.u32(spec.deps.len() as u32);
        writer.u32(missing.len() as u32);
        for Missing {
            position,
            maker,
            result,
        } in &missing
        {
            writer.u32(*position);
            writer.u32(maker.index);
            writer.u32(maker.generation);
            writer.u32(*result);
        }
        self.lend_refs(&spec.arguments);
        writer.payload(&spec.arguments);
        for object in there() {
            let (_, payload) = object.outcome();
            self.lend_refs(payload);
            writer.payload(payload);
        }
        Ok(())
    }

    /// The arguments that are not there, if the agent has what makes them, and nothing follows that yet.
    fn missing(&self, spec: &Spec) -> Result<Vec<Missing>, Stays> {
        let mut missing = Vec::new();
        for (position, &dep) in spec.deps.iter().enumerate() {
            let object = self.node.objects.get(dep);
            if object.waiters.is_done() {
                continue;
            }
            let maker = TaskId::unpack(object.producer.load(Ordering::Relaxed)).ok_or(Stays::Ends)?;
            if !self.has_gone(maker) {
                return Err(Stays::Behind(maker));
            }
            let cell = self.node.tasks.get(maker.index);
            if cell.has(task::FOLLOWED) {
                return Err(Stays::Ends);
            }
            // SAFETY: the agent holds the task, and this is its visit.
            let mut results = unsafe { cell.spec() }.results();
            let result = results.position(|result| result == dep).ok_or(Stays::Ends)?;
            missing.push(Missing {
                position: position as u32,
                maker,
                result: result as u32,
            });
        }
        Ok(missing)
    }

    /// Whether all arguments of a task that follows have become values. Then the agent holds it as any other.
    pub(crate) fn has_caught_up(&mut self, task: u32) -> bool {
        self.propagate();
        let cell = self.node.tasks.get(task);
        // SAFETY: the agent's arrival is owed, so the task is not freed.
        let mut deps = unsafe { cell.spec() }
            .deps
            .iter()
            .map(|&dep| self.node.objects.get(dep));
        if cell.missing.left() != 1 || deps.any(|object| !is_value(object.outcome().0)) {
            return false;
        }
        cell.set(task::FOLLOWS, false);
        let last = cell.missing.arrive();
        debug_assert!(last, "all others have arrived");
        true
    }

    /// The agent lets go of a task whose arguments are not all there: it waits for them again, here. It does not follow a maker
    /// that is out, which would come to the same; it may follow the next attempt.
    pub(crate) fn unfollow(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        // SAFETY: the agent's arrival is owed, so the task is not freed.
        let maker = self.first_maker(unsafe { cell.spec() });
        let maker = maker.filter(|&maker| !self.has_gone(maker));
        cell.set(task::FOLLOWS, false);
        cell.port.store(NONE, Ordering::Relaxed);
        let (_, generation) = cell.state();
        // Else somebody settles it, or has: the last argument lets go of it.
        let _settled = !cell.shift(generation, State::Taken, State::Waiting);
        if self.agent_arrives(task) {
            return;
        }
        if let Some(maker) = maker {
            let id = TaskId {
                index: task,
                generation,
            };
            self.may_follow(id, maker);
        }
    }

    /// The agent does not keep the task from its last arrival any more; true if this was the last.
    fn agent_arrives(&mut self, task: u32) -> bool {
        let last = self.node.tasks.get(task).missing.arrive();
        if last {
            self.all_arguments_there(task);
        }
        last
    }
}
