//! Threads that end: what ran there runs elsewhere or fails, and what they held is given back.

use std::collections::VecDeque;
use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_sync::atomic::Ordering;

use crate::actor::Host;
use crate::failure::Failure;
use crate::node::Node;
use crate::object::NONE;
use crate::port::{Event, Inner, PortKind};
use crate::region::Regions;
use crate::task::{FOLLOWS, PENDING, State};
use crate::turn::Turn;
use crate::visit::guarded;

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
        // What goes wrong there poisons the port, and is the end of it all the same.
        let _ = self.visit(port, &mut inner, |turn, inner| {
            turn.catch_up(inner)?;
            Ok(())
        });
        let mut turn = Turn::begin(self, port.id, &mut inner);
        for (slot, task) in std::mem::take(&mut inner.batch).into_iter().enumerate() {
            if task == NONE {
                continue;
            }
            if turn.reclaim(&inner, slot, task) {
                turn.take_back_refs(task);
                inner.returned.push_back(task);
            } else {
                self.remember_begun(&mut inner, port.id, task);
            }
        }
        turn.pass_on();
        turn.give_back(&mut inner);
        failpoint!("port.closed");
        inner.regions = Regions::default();
        inner.open = false;
    }

    /// The thread is gone, or has been told to end and hangs in foreign code: it runs no more JavaScript. Its tasks run
    /// elsewhere or fail, its actors restart or die, its handles are given back. `details` says how it ended, for the errors,
    /// and `blame` through whose fault. Its number is its own until [`Node::forget_port`]. Twice is as good as once.
    pub fn bury(&self, id: u16, details: &str, blame: Blame) {
        let mut estate = None;
        if guarded(|| self.bury_once(id, &mut estate, details, blame)).is_err() {
            // It panicked on the way. What is left is found by looking everywhere.
            if let Some(estate) = &mut estate {
                estate.complete = false;
            }
            self.bury_once(id, &mut estate, details, blame);
        }
        if let Some(crew) = self.port(id).inner.lock().crew.take() {
            crew.count_thread(false);
        }
        failpoint!("bury.end");
    }

    fn bury_once(&self, id: u16, estate: &mut Option<Estate>, details: &str, blame: Blame) {
        self.close_port(id);
        self.waits.forget(id);
        let port = self.port(id);
        let crew = port.inner.lock().crew.clone();
        let crew = self.crew(crew.as_deref());
        crew.idle.remove(id);
        crew.occupied.remove(id);
        failpoint!("bury.begin");
        let unread = port.shut();
        port.doorbell.awake();
        self.alone(id, |turn| {
            turn.undelivered(unread);
            let estate = estate.get_or_insert_with(|| self.take_estate(&mut port.inner.lock()));
            failpoint!("bury.shut");
            turn.settle_estate(id, estate, details, blame);
        });
    }

    fn take_estate(&self, inner: &mut Inner) -> Estate {
        // Taken, not emptied: shut ports are many, and are to hold next to nothing.
        self.tasks.give_all(&mut std::mem::take(&mut inner.tasks));
        self.objects.give_all(&mut std::mem::take(&mut inner.objects));
        Estate {
            kind: inner.kind,
            holds_cpu: std::mem::take(&mut inner.holds_cpu),
            delivered: std::mem::take(&mut inner.delivered),
            unread: std::mem::take(&mut inner.unread).into(),
            returned: std::mem::take(&mut inner.returned),
            host: inner.host.take(),
            borrowed: std::mem::take(&mut inner.borrowed).into_iter().collect(),
            begun: inner.begun.take(),
            owned: inner.owned.take(),
            // A visit that has panicked may not have written down all that it handed out.
            complete: inner.poison.is_none(),
        }
    }
}

/// What a thread that is gone held.
#[derive(Debug)]
struct Estate {
    kind: PortKind,
    /// In ten-thousandths.
    holds_cpu: i64,
    delivered: Vec<u32>,
    unread: Vec<Event>,
    returned: VecDeque<u32>,
    host: Option<Arc<Host>>,
    borrowed: Vec<(u32, u32)>,
    begun: Vec<u32>,
    owned: Vec<(u32, u32)>,
    /// Whether the lists name all there is.
    complete: bool,
}

impl Node {
    /// Whether the thread of `port` is at a task, or will come upon it although somebody else has settled it.
    pub(crate) fn is_at(&self, task: u32, port: u16) -> bool {
        self.tasks.find(task).is_some_and(|cell| {
            matches!(cell.state().0, State::Taken | State::Settling | State::Settled)
                && cell.port.load(Ordering::Relaxed) == u32::from(port)
        })
    }

    /// A task of a batch that is over was begun, and may go on in the background.
    pub(crate) fn remember_begun(&self, inner: &mut Inner, port: u16, task: u32) {
        inner.begun.push(task, |begun| {
            begun.retain(|&task| self.is_at(task, port));
            // A task that runs again and again here is there as often.
            begun.sort_unstable();
            begun.dedup();
        });
    }

    /// A thread has got the first handle of an object: index and generation.
    pub(crate) fn remember_owned(&self, inner: &mut Inner, port: u16, object: (u32, u32)) {
        if inner.kind == PortKind::Driver {
            return;
        }
        inner.owned.push(object, |owned| {
            owned.retain(|&(index, generation)| {
                let cell = self.objects.get(index);
                cell.owner.load(Ordering::Relaxed) == u32::from(port)
                    && cell.generation.load(Ordering::Relaxed) == generation
            });
        });
    }
}

impl Turn<'_> {
    /// Gives back what a thread held, and has others go on with its work. What is done with is taken out of `estate`.
    fn settle_estate(&mut self, id: u16, estate: &mut Estate, details: &str, blame: Blame) {
        let port = self.node.port(id);
        while let Some(object) = estate.delivered.pop() {
            self.release(object);
        }
        self.undelivered(std::mem::take(&mut estate.unread));
        self.node
            .resources
            .give_cpu(std::mem::take(&mut estate.holds_cpu));
        self.work_may_be_possible();
        if estate.kind == PortKind::Worker {
            let crew = port.inner.lock().crew.clone();
            self.node
                .crew(crew.as_deref())
                .lanes
                .plain
                .push_all(&port.local.take_all());
            if let Some(crew) = crew.filter(|crew| crew.is_over()) {
                self.cancel_queued(&crew);
            }
            self.work_may_be_possible();
            while let Some(task) = estate.returned.pop_front() {
                self.requeue(task);
            }
            self.recover_tasks(id, estate, details, blame);
        } else if estate.kind == PortKind::Agent {
            self.recover_tasks(id, estate, details, blame);
        } else if let Some(host) = estate.host.clone() {
            // Calls that were not begun wait for the actor's next life, if there is one.
            while let Some(task) = estate.returned.pop_back() {
                self.requeue_call(task);
            }
            host.port.store(NONE, Ordering::Release);
            if !host.own {
                self.node.hosts.lock().remove(&host);
            }
            for actor in Turn::actors_on(&host) {
                self.actor_crashed(actor, Failure::ActorCrashed, details.as_bytes(), Some(&host));
            }
            self.recover_tasks(id, estate, details, blame);
        }
        failpoint!("bury.recovered");
        while let Some((object, count)) = estate.borrowed.pop() {
            for _ in 0..count {
                self.release(object);
            }
        }
        self.disown(id, estate);
    }

    /// The thread that held the first handles of objects is gone.
    fn disown(&mut self, port: u16, estate: &Estate) {
        let node = self.node;
        let mut release = |index: u32| {
            let owner = &node.objects.get(index).owner;
            let was = owner.compare_exchange(u32::from(port), NONE, Ordering::Relaxed, Ordering::Relaxed);
            if was.is_ok() {
                self.release(index);
            }
        };
        if estate.kind == PortKind::Driver || !estate.complete {
            // The driver keeps no list. All objects there are were made for it, more or less.
            let made = node.objects.made();
            (0..made).for_each(release);
            return;
        }
        for &(index, generation) in &estate.owned {
            if node.objects.get(index).generation.load(Ordering::Relaxed) == generation {
                release(index);
            }
        }
    }

    /// What ran on a thread that is gone runs again, or fails.
    fn recover_tasks(&mut self, port: u16, estate: &mut Estate, details: &str, blame: Blame) {
        let mut begun = std::mem::take(&mut estate.begun);
        if !estate.complete {
            begun = (0..self.node.tasks.made()).collect();
        }
        begun.sort_unstable();
        begun.dedup();
        let mut lost = Vec::new();
        for task in begun {
            if !self.node.is_at(task, port) {
                continue;
            }
            let cell = self.node.tasks.get(task);
            if cell.has(FOLLOWS) {
                self.unfollow(task);
                continue;
            }
            let state = cell.state().0;
            self.release_resources(task);
            if state == State::Taken {
                lost.push(task);
            } else {
                self.holder_leaves(task);
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
            self.repeat_or_fail(task, details, kills);
        }
    }

    /// `kills`: the threads that the task has ended, if it has just ended one.
    fn repeat_or_fail(&mut self, task: u32, details: &str, kills: u32) {
        let cell = self.node.tasks.get(task);
        // SAFETY: the port that is being buried holds the task, and is held by this visit.
        let template = &unsafe { cell.spec() }.template;
        let poison = kills >= template.spec.max_kills;
        let (_, generation) = cell.state();
        if !poison && cell.tries() <= self.retries(task) {
            self.repeat(task);
        } else if self.begin_settling(task, generation, State::Taken) {
            let details = if poison && cell.tries() <= self.retries(task) {
                format!("{details}. It has ended {kills} workers; set maxRetries to have it tried more often")
            } else {
                details.to_owned()
            };
            self.fail_by_system(task, Failure::WorkerDied, details.as_bytes());
            self.free_task(task);
        } else {
            self.holder_leaves(task);
        }
    }
}
