//! Plain tasks that wait for long at a node of a cluster: they are offered to other nodes.
//!
//! The watchdog sorts the oldest tasks of the node's queue into the lines of [`Forwarding`](crate::forward::Forwarding), by what
//! the agent finds a node by. This node's workers go on to take them, oldest first, before what is left in the queue. The agent
//! is told of as many as this node does not soon come to, and takes those for which other nodes have room. A task that came from
//! another node, or is bound to this one, waits among them in its turn, but is offered to nobody.
//!
//! Nothing of this is done where there is no agent, and nothing for each task where none wait for long.

use std::sync::Arc;

use mobula_sync::atomic::Ordering;

use crate::forward::{self, Forwarding, Line, Lines};
use crate::node::Node;
use crate::policy;
use crate::port::Port;
use crate::slab::Slab;
use crate::task::{Spec, Task};
use crate::template::{Template, Use};

/// So many of the oldest tasks are sorted to see what waits.
const SAMPLE: usize = 16;
/// At most so many are sorted.
const MOST: usize = 4096;

/// What a line has beside the tasks, if this node's workers take them too.
#[derive(Debug)]
pub(crate) struct Shared {
    /// A template of its tasks: those of one line are of one function.
    of: Arc<Template>,
    /// Whether they are bound to this node.
    bound: bool,
    /// How many of its tasks the agent may take.
    pub(crate) offered: u32,
    /// Tasks that the agent has taken since the line was made.
    sent: u32,
    /// Tasks that have left the line otherwise than in the order of [`Lines::order`].
    left: u32,
}

impl Shared {
    /// Of a line that `spec` is to wait in.
    fn of(spec: &Spec) -> Self {
        Self {
            of: spec.template.share(),
            bound: spec.template.spec.forward.is_none() || spec.origin.is_some(),
            offered: 0,
            sent: 0,
            left: 0,
        }
    }

    /// The agent has taken a task.
    pub(crate) fn leaves(&mut self) {
        self.offered -= 1;
        self.sent += 1;
        self.left += 1;
    }

    /// What the agent has taken comes back. Gives whether it still has a place in the order.
    pub(crate) fn comes_back(&mut self) -> bool {
        self.offered += 1;
        self.sent -= 1;
        let has_place = self.left > 0;
        self.left -= u32::from(has_place);
        has_place
    }

    /// So many tasks have left the line.
    pub(crate) fn leave(&mut self, tasks: u32) {
        self.left += tasks;
    }
}

/// What waits at a node beside its lines.
#[derive(Debug, Clone, Copy)]
struct Outlook {
    /// CPUs that come free for tasks.
    cpus: u64,
    /// Tasks in the queue.
    queued: u64,
    /// Nanoseconds of work that threads have in store.
    stored: u64,
}

/// What is decided of the lines.
#[derive(Debug, Clone, Copy)]
struct Decision {
    /// Nanoseconds of work that wait.
    work: u64,
    /// Whether that is more than the node will soon have done.
    overloaded: bool,
    /// Whether the rest of the queue is to be sorted too.
    sorts: bool,
    /// Whether the agent is to know at once.
    tells: bool,
}

impl Forwarding {
    /// Whether this node's workers may take tasks from lines.
    pub(crate) fn has_shared(&self) -> bool {
        self.shared_len() > 0
    }

    pub(crate) fn shared_len(&self) -> usize {
        self.shared.load(Ordering::Relaxed) as usize
    }

    /// Sorts tasks that the caller has taken from the queue.
    fn share(&self, cells: &Slab<Task>, tasks: &[u32]) {
        let mut all = self.lines.lock();
        for &task in tasks {
            // SAFETY: the caller holds the task.
            let spec = unsafe { cells.get(task).spec() };
            let number = all.number(forward::kind(spec), Some(Shared::of(spec)));
            all.order.push_back(number);
            if let Some(line) = all.by_number.get_mut(&number) {
                if let Some(shared) = &mut line.shared {
                    shared.of = spec.template.share();
                }
                line.insert(cells, task, false);
            }
        }
        self.shared.fetch_add(tasks.len() as u32, Ordering::Relaxed);
    }

    /// The oldest task of all that workers may take.
    fn take_shared(&self, cells: &Slab<Task>) -> Option<u32> {
        let mut all = self.lines.lock();
        let Lines {
            by_number: lines,
            order,
            ..
        } = &mut *all;
        while let Some(number) = order.pop_front() {
            let Some(line) = lines.get_mut(&number) else {
                continue;
            };
            let Some(shared) = &mut line.shared else { continue };
            if shared.left > 0 {
                shared.left -= 1;
                continue;
            }
            if let Some(task) = line.take(cells) {
                self.shared.fetch_sub(1, Ordering::Relaxed);
                return Some(task);
            }
        }
        None
    }

    /// Sets how many tasks of each line are offered.
    fn decide(&self, outlook: Outlook) -> Decision {
        let mut all = self.lines.lock();
        all.tidy(self.shared_len());
        let Lines {
            by_number: lines,
            numbers,
            ..
        } = &mut *all;
        let Outlook { cpus, queued, stored } = outlook;
        let (mut tasks, mut work, mut worth) = (0_u64, 0_u64, false);
        for line in lines.values() {
            let Some(shared) = &line.shared else { continue };
            let mean = shared.of.mean();
            tasks += u64::from(line.live());
            work += u64::from(line.live()) * mean.map_or(policy::OFFER_NANOSECONDS, u64::from);
            worth |= !shared.bound && policy::is_worth_sending(mean, cpus);
        }
        let each: u64 = work.checked_div(tasks).unwrap_or(0);
        let work = work + queued * each + stored;
        let overloaded = policy::is_overloaded(work, cpus);
        let mut excess = work.saturating_sub(policy::OFFER_NANOSECONDS * cpus);
        if cpus == 0 {
            excess = u64::MAX;
        }
        let (mut changed, mut tells) = (false, false);
        for number in numbers.values() {
            let Some(line) = lines.get_mut(number) else {
                continue;
            };
            let count = line.live();
            let Some(shared) = &mut line.shared else { continue };
            shared.offered = 0;
            if overloaded && !shared.bound {
                let sent = shared.sent;
                shared.offered = policy::offered(count, sent, shared.of.mean(), cpus, &mut excess);
            }
            let told = line.told.unwrap_or(0);
            let waiting = line.waiting();
            changed |= waiting != told;
            tells |= waiting > told || waiting * 2 < told;
        }
        drop(all);
        if changed {
            self.change();
        }
        Decision {
            work,
            overloaded,
            sorts: overloaded && worth && queued > 0,
            tells,
        }
    }
}

impl Lines {
    /// Forgets lines that the agent does not know and that have no tasks, and the places of tasks that have left.
    fn tidy(&mut self, tasks: usize) {
        let Self {
            by_number: lines,
            numbers,
            order,
            ..
        } = self;
        let is_over = |line: &Line| line.shared.is_some() && line.tasks.is_empty() && line.told.is_none();
        numbers.retain(|_, number| {
            let over = lines.get(number).is_some_and(is_over);
            if over {
                lines.remove(number);
            }
            !over
        });
        if order.len() <= 2 * tasks + SAMPLE {
            return;
        }
        order.retain(|number| {
            let shared = lines.get_mut(number).and_then(|line| line.shared.as_mut());
            shared.is_some_and(|shared| {
                let left = shared.left > 0;
                shared.left -= u32::from(left);
                !left
            })
        });
    }
}

impl Node {
    /// Offers other nodes what waits here for long. Gives whether anything waits.
    pub(crate) fn offer(&self) -> bool {
        if !self.forwarding.is_there() {
            return false;
        }
        self.look_at_runners();
        let cpus = self.resources.passing_cpus();
        let (mut ports, mut stored) = (Vec::new(), 0);
        self.any_port(|port| {
            // SAFETY: the store holds the task, and its lock is held.
            let mean = |task| unsafe { self.tasks.get(task).spec() }.template.mean();
            if let Some((tasks, mean)) = port.local.look(mean) {
                let work = tasks as u64 * mean.map_or(policy::OFFER_NANOSECONDS, u64::from);
                ports.push((port.id, work));
                stored += work;
            }
            false
        });
        let sample = (2 * cpus as usize).max(SAMPLE);
        self.sort(sample.saturating_sub(self.forwarding.shared_len()));
        let decide = || {
            let queued = self.lanes.plain.len() as u64;
            self.forwarding.decide(Outlook { cpus, queued, stored })
        };
        let mut decision = decide();
        if decision.sorts {
            self.sort(MOST.saturating_sub(self.forwarding.shared_len()));
            let tells = decision.tells;
            decision = decide();
            decision.tells |= tells;
        }
        if decision.overloaded {
            // What is long in a thread's store is for others; it is sorted when it is among the oldest.
            for (port, work) in ports {
                if policy::is_overloaded(work, 1) {
                    self.lanes.plain.push_all(&self.port(port).local.take_all());
                }
            }
        }
        if decision.tells {
            self.wake_agent();
        }
        self.backlog.store(decision.work, Ordering::Relaxed);
        decision.work > 0 || self.forwarding.has_shared()
    }

    /// Sorts so many more of the oldest tasks.
    fn sort(&self, tasks: usize) {
        let tasks: Vec<u32> = std::iter::from_fn(|| self.lanes.plain.pop())
            .take(tasks)
            .collect();
        if !tasks.is_empty() {
            self.forwarding.share(&self.tasks, &tasks);
        }
    }

    /// The oldest task of the node's queue, if it is in a line.
    pub(crate) fn take_shared(&self) -> Option<u32> {
        self.forwarding.take_shared(&self.tasks)
    }

    /// A task begins to have its thread's CPU in the background, or the last one of the thread ends that.
    pub(crate) fn time_occupant(&self, port: &Port, template: &Use, begins: bool) {
        let now = self.clock.now();
        let mut occupant = port.occupant.lock();
        if begins {
            *occupant = Some((template.share(), now));
        } else if let Some((template, since)) = occupant.take() {
            template.learn_background(now.saturating_sub(since));
        }
    }

    /// Learns of functions that have not ended yet how long they take at least.
    fn look_at_runners(&self) {
        let now = self.clock.now();
        let is_long = |since: u64| now.saturating_sub(since) >= policy::OFFER_NANOSECONDS;
        self.any_port(|port| {
            if port.is_occupied()
                && let Some((template, since)) = &*port.occupant.lock()
                && is_long(*since)
            {
                template.goes_on_in_background(now - since);
            }
            if let Some(inner) = port.inner.try_lock()
                && !inner.batch.is_empty()
                && is_long(inner.batch_began)
                && let Some(template) = inner.kinds.only()
            {
                template.goes_on(now - inner.batch_began);
            }
            false
        });
    }
}
