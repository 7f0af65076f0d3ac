//! Cancelling, time limits, and threads that end.

use std::collections::HashMap;

use mobula_fault::failpoint;
use mobula_sync::atomic::{Ordering, fence};

use crate::failure::Failure;
use crate::node::Node;
use crate::object::{NONE, Object};
use crate::port::{Event, PortKind};
use crate::region::Regions;
use crate::task::{PENDING, State, Task, TaskId};
use crate::turn::Turn;

/// Through whose fault a thread ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// It is not known: the attempt of every task that ran there counts.
    Unknown,
    /// Of none that still ran there: it was stopped. No attempt counts.
    Nobody,
    /// Of the task that had the thread; those in the background only shared it, and their attempts do not count.
    Runner,
    /// Of this task; the others only shared the thread.
    Task(u32),
}

impl Turn<'_> {
    fn producer(&self, object: u32) -> Option<TaskId> {
        let cell: &Object = self.node.objects.get(object);
        TaskId::unpack(cell.producer.load(Ordering::Relaxed)).filter(|&id| self.find(id).is_some())
    }

    /// Cancels the task that makes `object`, and, if `recursive`, all that it submitted.
    pub(crate) fn cancel(&mut self, object: u32, force: bool, recursive: bool) {
        let Some(id) = self.producer(object) else { return };
        failpoint!("cancel.found");
        let children = if recursive {
            self.children()
        } else {
            HashMap::new()
        };
        let mut ids = vec![id];
        while let Some(id) = ids.pop() {
            ids.extend(children.get(&id.pack()).into_iter().flatten());
            self.stop(id, Failure::Cancelled, force);
        }
    }

    /// The tasks there are, by the packed name of the task that submitted them.
    fn children(&self) -> HashMap<u64, Vec<TaskId>> {
        let tasks = &self.node.tasks;
        let mut children: HashMap<u64, Vec<TaskId>> = HashMap::new();
        for index in 0..tasks.made() {
            let cell = tasks.get(index);
            // The state first: a parent that belongs to the cell's next task comes with an old generation.
            let (state, generation) = cell.state();
            let parent = cell.parent.load(Ordering::Relaxed);
            if state != State::Free && parent != 0 {
                children
                    .entry(parent)
                    .or_default()
                    .push(TaskId { index, generation });
            }
        }
        children
    }

    /// Settles a task with `failure`, wherever it is; true if it was not settled yet.
    fn stop(&mut self, id: TaskId, failure: Failure, force: bool) -> bool {
        self.stop_because(id, failure, &[], force)
    }

    pub(crate) fn stop_because(&mut self, id: TaskId, failure: Failure, details: &[u8], force: bool) -> bool {
        let cell: &Task = self.node.tasks.get(id.index);
        loop {
            let (state, generation) = cell.state();
            if generation != id.generation || !matches!(state, State::Waiting | State::Ready | State::Taken) {
                return false;
            }
            if !cell.shift(generation, state, State::Settling) {
                continue;
            }
            if state == State::Taken {
                // None: its port is just giving it back, unbegun.
                let port = cell.port.load(Ordering::Relaxed);
                if port != NONE {
                    self.post(port as u16, Event::StopTask { task: id });
                }
                if force && port != NONE {
                    let port = port as u16;
                    let life = self.node.port(port).life();
                    self.post_main(Event::KillPort { port, life });
                }
            }
            failpoint!("cancel.settling");
            self.fail_by_system(id.index, failure, details);
            self.creation_stopped(id.index, failure);
            self.settled(id.index);
            return true;
        }
    }

    /// The consumer of a stream has room for more items.
    pub(crate) fn credit(&mut self, object: u32, items: u32) {
        let Some(id) = self.producer(object) else { return };
        let cell = self.node.tasks.get(id.index);
        if cell.state() == (State::Taken, id.generation) {
            let port = cell.port.load(Ordering::Relaxed);
            if port != NONE {
                self.post(port as u16, Event::Credit { task: id, items });
            }
        }
    }
}

impl Node {
    /// The thread's memory is about to go: carries out what it has declared complete, and never
    /// touches the memory again. What ran there stays taken until [`Node::bury`].
    pub fn close_port(&self, port: u16) {
        let port = self.port(port);
        let mut inner = port.inner.lock();
        if !inner.open {
            return;
        }
        failpoint!("port.close");
        let mut turn = Turn::begin(self, port.id, &mut inner);
        let published = inner.regions.published();
        if published > inner.consumed {
            turn.harvest(&mut inner, published);
        }
        for (slot, task) in std::mem::take(&mut inner.batch).into_iter().enumerate() {
            if task != NONE && inner.regions.reclaim(slot) {
                turn.take_back_refs(task);
                inner.returned.push_back(task);
            }
        }
        failpoint!("port.closed");
        inner.regions = Regions::default();
        inner.open = false;
        turn.finish(&mut inner);
    }

    /// The thread is gone, or has been told to end and hangs in foreign code: it runs no more JavaScript. Its tasks run
    /// elsewhere or fail, its actors restart or die, its handles are given back. `details` says how it ended, for the errors,
    /// and `blame` through whose fault. Its number is its own until [`Node::forget_port`]. Twice is as good as once.
    pub fn bury(&self, id: u16, details: &str, blame: Blame) {
        self.close_port(id);
        self.waits.forget(id);
        let port = self.port(id);
        self.idle.remove(id);
        self.occupied.remove(id);
        failpoint!("bury.begin");
        let unread = port.shut();
        port.doorbell.awake();
        let mut turn = Turn::new(self, id);
        turn.undelivered(unread);
        let (kind, returned, host, borrowed) = {
            let mut inner = port.inner.lock();
            for object in std::mem::take(&mut inner.delivered) {
                turn.release(object);
            }
            turn.undelivered(std::mem::take(&mut inner.unread).into());
            // Taken, not emptied: shut ports are many, and are to hold next to nothing.
            self.tasks.give_all(&mut std::mem::take(&mut inner.tasks));
            self.objects.give_all(&mut std::mem::take(&mut inner.objects));
            self.resources.give_cpu(std::mem::take(&mut inner.holds_cpu));
            turn.work_may_be_possible();
            let returned = std::mem::take(&mut inner.returned);
            (
                inner.kind,
                returned,
                inner.host.take(),
                std::mem::take(&mut inner.borrowed),
            )
        };
        failpoint!("bury.shut");
        if kind == PortKind::Worker {
            self.lanes.plain.push_all(&port.local.take_all());
            turn.work_may_be_possible();
            for task in returned {
                turn.put_back(task);
            }
            turn.recover_tasks(u32::from(id), details, blame);
        } else if let Some(host) = host {
            // Calls that were not begun wait for the actor's next life, if there is one.
            for task in returned.into_iter().rev() {
                turn.call_back(task);
            }
            host.port.store(NONE, Ordering::Release);
            if !host.own {
                self.hosts.lock().retain(|other| other.id != host.id);
            }
            for actor in turn.actors_on(&host) {
                turn.actor_crashed(actor, Failure::ActorCrashed, details.as_bytes(), Some(&host));
            }
            turn.recover_tasks(u32::from(id), details, blame);
        }
        failpoint!("bury.recovered");
        for (object, count) in borrowed {
            for _ in 0..count {
                turn.release(object);
            }
        }
        for index in 0..self.objects.made() {
            let owner = &self.objects.get(index).owner;
            if owner
                .compare_exchange(u32::from(id), NONE, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
            {
                turn.release(index);
            }
        }
        turn.finish_alone();
        failpoint!("bury.end");
    }

    /// Asks all threads but one to collect garbage: the object store is full of views.
    pub fn ask_to_collect(&self, asking: u16) {
        for port in self.all_ports().into_iter().filter(|port| port.id != asking) {
            port.ask_to_collect();
        }
    }

    /// Has the main thread stop the thread of `port`.
    #[cfg(feature = "failpoints")]
    pub fn stop_thread(&self, port: u16) {
        let main = self.main_port.load(Ordering::Acquire);
        if main != NONE {
            let life = self.port(port).life();
            self.port(main as u16)
                .post(&mut vec![Event::KillPort { port, life }]);
        }
    }

    /// Asks a thread to collect garbage, unless it is the driver's, whose program may not want to be held up.
    pub fn ask_worker_to_collect(&self, port: u16) {
        if self.main_port.load(Ordering::Acquire) != u32::from(port) {
            self.port(port).ask_to_collect();
        }
    }

    /// Refuses to run more; true if nothing is in flight. Otherwise the main thread is told when.
    pub fn drain(&self) -> bool {
        self.closing.store(true, Ordering::Relaxed);
        // Pairs with the fence in `task_ended`: it sees that we close, or we see that its task has ended.
        fence(Ordering::SeqCst);
        self.live_tasks() == 0
    }

    /// Fails every task that is not settled: the runtime is closed.
    pub fn fail_all(&self) {
        let mut turn = Turn::new(self, 0);
        for index in 0..self.tasks.made() {
            let (_, generation) = self.tasks.get(index).state();
            turn.stop(TaskId { index, generation }, Failure::Closed, false);
        }
        turn.finish_alone();
    }
}

impl Turn<'_> {
    /// A task that was handed to a thread, but not begun, waits in its queue again.
    pub(crate) fn put_back(&mut self, task: u32) {
        let cell = self.node.tasks.get(task);
        self.release_resources(task);
        let (state, generation) = cell.state();
        failpoint!("task.put_back");
        // From here on a queue holds the task: the burial of this port must not find it.
        cell.port.store(NONE, Ordering::Relaxed);
        if state == State::Ready || cell.shift(generation, State::Taken, State::Ready) {
            self.enqueue(task);
        } else {
            self.let_go(task);
        }
    }

    /// What ran on a thread that is gone runs again, or fails.
    fn recover_tasks(&mut self, port: u32, details: &str, blame: Blame) {
        let mut lost = Vec::new();
        for task in 0..self.node.tasks.made() {
            let cell = self.node.tasks.get(task);
            let state = cell.state().0;
            if !matches!(state, State::Taken | State::Settling | State::Settled)
                || cell.port.load(Ordering::Relaxed) != port
            {
                continue;
            }
            self.release_resources(task);
            if state == State::Taken {
                lost.push(task);
            } else {
                self.let_go(task);
            }
        }
        let culprit = match blame {
            Blame::Task(task) => Some(task).filter(|task| lost.contains(task)),
            Blame::Runner => {
                // Several, if promises of the batch have not had their turns yet: then it is not known.
                let mut running = lost
                    .iter()
                    .filter(|&&task| !self.node.tasks.get(task).has(PENDING));
                running.next().copied().filter(|_| running.next().is_none())
            }
            Blame::Nobody | Blame::Unknown => None,
        };
        for task in lost {
            let cell = self.node.tasks.get(task);
            let kills = if culprit == Some(task) {
                cell.blame()
            } else {
                if culprit.is_some() || blame == Blame::Nobody {
                    cell.excuse();
                }
                0
            };
            self.try_again(task, details, kills);
        }
    }

    /// `kills`: the threads that the task has ended, if it has just ended one.
    fn try_again(&mut self, task: u32, details: &str, kills: u32) {
        let cell = self.node.tasks.get(task);
        // SAFETY: the port that is being buried holds the task, and is held by this visit.
        let template = unsafe { cell.spec() }.template;
        let poison = kills >= self.node.template(template).spec.max_kills;
        let (_, generation) = cell.state();
        if !poison && cell.tries() <= self.retries(task) {
            self.run_again(task);
        } else if cell.shift(generation, State::Taken, State::Settling) {
            let details = if poison && cell.tries() <= self.retries(task) {
                format!("{details}. It has ended {kills} workers; set maxRetries to have it tried more often")
            } else {
                details.to_owned()
            };
            self.fail_by_system(task, Failure::WorkerDied, details.as_bytes());
            self.free_task(task);
        } else {
            self.let_go(task);
        }
    }
}
