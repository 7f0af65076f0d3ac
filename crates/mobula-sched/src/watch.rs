//! The watchdog: looks after threads that are busy, and ends attempts whose time is over.

use mobula_fault::failpoint;
use mobula_sync::atomic::Ordering;

use crate::cancel::How;
use crate::deadlines::Deadline;
use crate::failure::Failure;
use crate::node::Node;
use crate::object::NONE;
use crate::policy::{self, Sight};
use crate::port::{Inner, Port, PortKind};
use crate::task::{State, TaskId};
use crate::turn::Turn;

impl Node {
    /// Looks after all threads: what a busy one has declared complete is carried out, and tasks that it has not begun, or has
    /// in store, go to others. Ends attempts whose time is over, and passes on rings that reached nobody.
    ///
    /// Gives after how many nanoseconds it wants to be called again; nothing: when the watchdog is rung.
    pub fn tick(&self) -> Option<u64> {
        self.watching.store(true, Ordering::Relaxed);
        let (mut active, mut fresh, mut batches) = (false, false, false);
        let shares = !self.crews.is_empty();
        // The jobs whose threads hold CPU.
        let mut served = Vec::new();
        self.any_port(|port| {
            let Some(mut inner) = port.inner.try_lock() else {
                active = true;
                return false;
            };
            inner.regions.watch();
            if shares && inner.holds_cpu > 0 {
                served.push(self.crew(inner.crew.as_deref()).job);
            }
            let now = self.clock.now();
            let batch_since = (!inner.batch.is_empty()).then_some(inner.batch_began);
            batches |= batch_since.is_some();
            let unflushed_since = unflushed_since(&mut inner, now);
            let sight = policy::sight(now, batch_since, unflushed_since);
            active |= sight != Sight::Clear;
            fresh |= unflushed_since == Some(now);
            if sight == Sight::Busy {
                self.pass_on_for(port, &mut inner);
            }
            false
        });
        self.end_overdue();
        active |= self.reserve(shares.then_some(&served));
        active |= self.offer();
        let look = self.look_at_waits(batches);
        // Tasks and a CPU are there: the worker that was rung last may be busy with something else, so another is.
        active |= self.wake_all_for_work();
        // Once more before it sleeps for long: threads that speak with the core again and again would ring it each time.
        let found_nothing = self.found_nothing.swap(!active, Ordering::Relaxed);
        if active || !found_nothing || self.must_go_on() {
            return Some(policy::pause(fresh));
        }
        self.found_nothing.store(false, Ordering::Relaxed);
        let next = self.deadlines.next();
        let deadline = next.map(|at| at.saturating_sub(self.clock.now()));
        deadline.into_iter().chain(look).min()
    }

    /// The watchdog is about to sleep: whether somebody has not rung it, because it was up.
    fn must_go_on(&self) -> bool {
        self.watching.store(false, Ordering::SeqCst);
        // A batch that began, and commands that were written, after their port was looked at.
        let found = self.any_port(|port| {
            port.inner
                .try_lock()
                .is_none_or(|inner| inner.regions.unwatch() > inner.consumed || !inner.batch.is_empty())
        });
        found && !self.watching.swap(true, Ordering::SeqCst)
    }

    /// Passes on what a busy thread has.
    fn pass_on_for(&self, port: &Port, inner: &mut Inner) {
        // If that goes wrong the port is poisoned, and its thread told to end.
        let _ = self.visit(port, inner, |turn, inner| {
            failpoint!("watchdog.look");
            turn.catch_up(inner)?;
            // Calls of actors stay in order.
            if inner.kind == PortKind::Worker {
                turn.take_back_batch(inner);
            }
            if inner.has_limits {
                turn.limit_batch(inner);
            }
            Ok(())
        });
        if inner.kind == PortKind::Worker && port.local.len() > 0 {
            // The thread counted on doing these soon. Others may never have nothing else to do, and come and take them.
            self.crew(inner.crew.as_deref())
                .lanes
                .plain
                .push_all(&port.local.take_all());
        }
    }

    /// Reserves CPU for an actor, a task or a crew that has waited for it for too long; false if nobody has. `served`: where there
    /// are several crews, the jobs whose threads hold CPU.
    fn reserve(&self, served: Option<&Vec<u32>>) -> bool {
        let now = self.clock.now();
        let mut of_lanes = None;
        self.any_crew(|crew| {
            of_lanes = of_lanes.max(crew.lanes.reserve(now, &self.resources));
            false
        });
        if served.is_none() {
            self.home.is_alone();
        }
        let of_crews = served.and_then(|served| self.reserve_for_crews(now, served));
        let mut waiting = self.waiting_actor.lock();
        let actor = self.longest_waiting_actor();
        let since = match *waiting {
            Some((before, since)) if actor.as_ref().is_some_and(|&(index, _)| index == before) => since,
            _ => now,
        };
        *waiting = actor.as_ref().map(|&(index, _)| (index, since));
        let of_actor = actor
            .filter(|(_, demand)| policy::reserves(now - since) && self.resources.may_come_free(demand))
            .map(|(_, demand)| demand.cpu);
        let reserved = of_lanes
            .into_iter()
            .chain(of_crews)
            .chain(of_actor)
            .max()
            .unwrap_or(0);
        self.resources.reserve(reserved);
        reserved > 0
    }

    /// Ends the attempts whose time is over.
    fn end_overdue(&self) {
        while let Some(deadline) = self.deadlines.due(self.clock.now()) {
            self.expire(deadline);
        }
    }

    /// An attempt's time is over: if it still goes on, its results are settled and its thread is stopped.
    fn expire(&self, deadline: Deadline) {
        let id = deadline.task();
        let cell = self.tasks.get(id.index);
        let port = cell.port.load(Ordering::Relaxed);
        if port == NONE {
            return;
        }
        let port = self.port(port as u16);
        // While it is held, and open, the thread's tasks do not leave it: what is found here stays so.
        let mut inner = port.inner.lock();
        if !inner.open || !self.is_at(id.index, port.id) || !self.counts(&deadline) {
            return;
        }
        let slot = inner.batch.iter().position(|&task| task == id.index);
        if slot.is_some_and(|slot| inner.regions.is_offered(slot)) || inner.returned.contains(&id.index) {
            // Its thread had begun it, and has handed it back.
            cell.deadline.store(0, Ordering::Relaxed);
            return;
        }
        // If that goes wrong the port is poisoned, and its thread told to end all the same.
        let _ = self.visit(port, &mut inner, |turn, _| {
            failpoint!("task.expire");
            turn.stop_because(
                id,
                Failure::TimedOut,
                &[],
                How {
                    force: true,
                    recursive: false,
                },
            );
            Ok(())
        });
    }

    /// Whether an attempt goes on for which the deadline was set. An attempt that is handed out anew has none at first.
    fn counts(&self, deadline: &Deadline) -> bool {
        let id = deadline.task();
        let cell = self.tasks.get(id.index);
        cell.state() == (State::Taken, id.generation) && cell.deadline.load(Ordering::Relaxed) == deadline.at
    }

    /// How many deadlines are kept.
    #[must_use]
    pub fn deadlines(&self) -> usize {
        self.deadlines.len()
    }
}

/// Since when the thread is known to have commands that it has not passed on.
fn unflushed_since(inner: &mut Inner, now: u64) -> Option<u64> {
    let visits = inner.visits;
    inner.unflushed = (inner.regions.published() > inner.consumed).then_some(match inner.unflushed {
        // Others than last time, if it has been here since.
        Some((before, since)) if before == visits => (visits, since),
        _ => (visits, now),
    });
    inner.unflushed.map(|(_, since)| since)
}

impl Turn<'_> {
    /// Tasks of the batch that the thread has not begun wait in their queues again.
    fn take_back_batch(&mut self, inner: &mut Inner) {
        for slot in 0..inner.batch.len() {
            let task = inner.batch[slot];
            if task == NONE || !self.reclaim(inner, slot, task) {
                continue;
            }
            inner.batch[slot] = NONE;
            failpoint!("watchdog.put_back");
            // SAFETY: the port holds the task.
            let template = &unsafe { self.node.tasks.get(task).spec() }.template;
            inner.kinds.forget(template);
            self.take_back_refs(task);
            self.requeue(task);
        }
    }

    /// The tasks of the batch that have begun have so much time from now on. The first began when it was handed out.
    fn limit_batch(&self, inner: &Inner) {
        let now = self.node.clock.now();
        for (slot, &task) in inner.batch.iter().enumerate() {
            if task == NONE || inner.regions.is_offered(slot) {
                continue;
            }
            // It may have ended, and another, on another thread, have its cell.
            let cell = self.node.tasks.get(task);
            if cell.state().0 == State::Taken && cell.port.load(Ordering::Relaxed) == u32::from(self.port) {
                self.limit(task, Some(if slot == 0 { inner.batch_began } else { now }));
            }
        }
    }

    /// Sets the deadline of an attempt, if its time is limited: it has begun at `began`, or now. The port's lock is held, and
    /// the port holds the task.
    pub(crate) fn limit(&self, task: u32, began: Option<u64>) {
        let cell = self.node.tasks.get(task);
        // SAFETY: the port holds the task.
        let template = &unsafe { cell.spec() }.template;
        let limit = template.spec.timeout_ms;
        if limit == 0 || cell.deadline.load(Ordering::Relaxed) != 0 {
            return;
        }
        let at = began.unwrap_or_else(|| self.node.clock.now()) + u64::from(limit) * 1_000_000;
        cell.deadline.store(at, Ordering::Relaxed);
        let (_, generation) = cell.state();
        let id = TaskId {
            index: task,
            generation,
        };
        self.node
            .deadlines
            .add(at, id, |deadline| self.node.counts(deadline));
        // It may sleep for longer.
        self.node.watch();
    }
}
