//! Plain tasks that wait for long at a node of a cluster: they are offered to other nodes.
//!
//! The watchdog sorts the oldest tasks of each crew's queue into the lines of [`Forwarding`](crate::forward::Forwarding), by what
//! the agent finds a node by. The threads of the crew go on to take them, oldest first, before what is left in the queue. The agent
//! is told of as many as this node does not soon come to, and takes those for which other nodes have room. A task that came from
//! another node, or is bound to this one, waits among them in its turn, but is offered to nobody.
//!
//! A line is of one crew, so no thread finds a task of another job there. When a job is over, what is in its lines is cancelled as
//! what is in its queue is.
//!
//! Nothing of this is done where there is no agent, and nothing for each task where none wait for long.

use std::collections::VecDeque;
use std::sync::Arc;

use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicU32, Ordering};

use crate::crew::Crew;
use crate::forward::{Forwarding, Lines};
use crate::line::{self, Line};
use crate::node::Node;
use crate::outlook::Outlook;
use crate::policy::{self, Takes};
use crate::task::Spec;
use crate::template::Template;

/// So many of the oldest tasks of a crew are sorted to see what waits.
const SAMPLE: usize = 16;
/// At most so many are sorted.
const MOST: usize = 1024;

/// What a line has beside the tasks, if this node's threads take them too.
#[derive(Debug)]
pub(crate) struct Shared {
    /// A template of its tasks: those of one line are of one function.
    pub(crate) of: Arc<Template>,
    /// Whether they are bound to this node.
    pub(crate) bound: bool,
    /// How many of its tasks the agent may take.
    pub(crate) offered: u32,
    /// Tasks that the agent has taken since the line was made.
    sent: u32,
    /// Tasks that have left the line otherwise than in the order of [`Sorted::order`].
    left: u32,
    /// When the agent was last woken for the line.
    told_at: u64,
}

/// The oldest plain tasks of a crew, in lines.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// How many there are. Written under the lock of the lines.
    count: AtomicU32,
    /// The numbers of their lines, oldest task first. Locked only while the lines are.
    order: Mutex<VecDeque<u32>>,
}

/// What is decided of the lines.
#[derive(Debug, Clone, Copy)]
struct Decision {
    /// Nanoseconds of work that wait.
    work: u64,
    /// Whether that is more than the node will soon have done.
    overloaded: bool,
    /// Whether the agent is to know at once.
    tells: bool,
    /// Whether it is to know later.
    owes: bool,
}

impl Sorted {
    /// Whether the crew's threads may take tasks from lines.
    pub(crate) fn any(&self) -> bool {
        self.len() > 0
    }

    pub(crate) fn len(&self) -> usize {
        // Relaxed: a hint; who takes one looks under the lock.
        self.count.load(Ordering::Relaxed) as usize
    }
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
            told_at: 0,
        }
    }

    fn sorted<'s>(&'s self, node: &'s Node) -> &'s Sorted {
        &node.crew(self.of.crew.as_deref()).sorted
    }

    /// The agent has taken a task.
    pub(crate) fn leaves(&mut self, node: &Node) {
        self.offered -= 1;
        self.sent += 1;
        self.leave(node, 1);
    }

    /// What the agent has taken comes back into the line, which has that number.
    pub(crate) fn comes_back(&mut self, node: &Node, number: u32) {
        self.offered += 1;
        self.sent -= 1;
        if self.left > 0 {
            // It still has a place in the order.
            self.left -= 1;
        } else {
            self.sorted(node).order.lock().push_front(number);
        }
        self.sorted(node).count.fetch_add(1, Ordering::Relaxed);
    }

    /// So many tasks have left the line.
    pub(crate) fn leave(&mut self, node: &Node, tasks: u32) {
        self.left += tasks;
        self.sorted(node).count.fetch_sub(tasks, Ordering::Relaxed);
    }

    /// How many of `live` tasks are offered; see [`policy::offered`].
    fn offer(&mut self, live: u32, cpus: u64, excess: &mut u64) {
        let takes = Takes {
            mean: self.of.cost.mean(),
            usual: self.of.cost.usual(),
        };
        self.offered = policy::offered(live, self.sent, takes, cpus, excess);
    }
}

impl Forwarding {
    /// Sorts up to so many of the oldest tasks of a crew's queue. Gives how many there were.
    fn sort(&self, node: &Node, crew: &Crew, most: usize) -> usize {
        let mut all = self.lines.lock();
        let mut order = crew.sorted.order.lock();
        // One by one: a task that is in nobody's hands is soon in a line.
        let tasks = std::iter::from_fn(|| crew.lanes.plain.pop());
        let sort = |task| {
            // SAFETY: it was just taken from the queue.
            let spec = unsafe { node.tasks.get(task).spec() };
            let number = all.number(line::kind(spec, node.tasks.get(task)), Some(Shared::of(spec)));
            order.push_back(number);
            if let Some(line) = all.by_number.get_mut(&number) {
                if let Some(shared) = &mut line.shared {
                    shared.of = spec.template.share();
                }
                line.insert(&node.tasks, task, false);
            }
            crew.sorted.count.fetch_add(1, Ordering::Relaxed);
        };
        tasks.take(most).map(sort).count()
    }

    /// Sets how many tasks of each line are offered.
    fn decide(&self, now: u64, cpus: u64, crews: &mut [Outlook<'_>]) -> Decision {
        let mut all = self.lines.lock();
        all.tidy();
        for each in &mut *crews {
            all.tidy_order(&each.crew.sorted);
            each.weigh(&all, cpus);
        }
        let work = crews.iter().map(|each| each.work).sum();
        let overloaded = policy::is_overloaded(work, cpus);
        for each in &mut *crews {
            each.share_excess(work, cpus);
        }
        let (mut changed, mut tells, mut owes) = (false, false, false);
        let Lines {
            by_number: lines,
            numbers,
            ..
        } = &mut *all;
        for number in numbers.values() {
            let Some(line) = lines.get_mut(number) else {
                continue;
            };
            let (count, job) = (line.live(), line.job());
            let Some(shared) = &mut line.shared else { continue };
            shared.offered = 0;
            let crew = crews.iter_mut().find(|each| each.crew.job == job);
            if let Some(each) = crew.filter(|_| overloaded && !shared.bound) {
                shared.offer(count, cpus, &mut each.excess);
            }
            let before = line.told.unwrap_or(0);
            let waiting = line.waiting();
            changed |= waiting != before;
            let Some(shared) = &mut line.shared else { continue };
            let tell = policy::tells(before, waiting, now.saturating_sub(shared.told_at));
            if tell {
                shared.told_at = now;
            }
            tells |= tell;
            owes |= waiting != before;
        }
        drop(all);
        if changed {
            self.change();
        }
        Decision {
            work,
            overloaded,
            tells,
            owes,
        }
    }
}

impl Lines {
    /// Forgets shared lines that the agent does not know and that have no tasks.
    fn tidy(&mut self) {
        let Self {
            by_number: lines,
            numbers,
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
    }

    /// Forgets the places of tasks that have left, if they are many.
    fn tidy_order(&mut self, sorted: &Sorted) {
        let mut order = sorted.order.lock();
        if order.len() <= 2 * sorted.len() + SAMPLE {
            return;
        }
        order.retain(|number| {
            let line = self.by_number.get_mut(number);
            let shared = line.and_then(|line| line.shared.as_mut());
            shared.is_some_and(|shared| {
                let left = shared.left > 0;
                shared.left -= u32::from(left);
                !left
            })
        });
    }

    /// The line of the oldest task of a crew.
    fn oldest(&mut self, sorted: &Sorted) -> Option<&mut Line> {
        let mut order = sorted.order.lock();
        loop {
            let number = order.pop_front()?;
            let line = self.by_number.get_mut(&number);
            let Some(shared) = line.and_then(|line| line.shared.as_mut()) else {
                continue;
            };
            if shared.left == 0 {
                return self.by_number.get_mut(&number);
            }
            shared.left -= 1;
        }
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
        let all = self.crews.all();
        let mut crews = Outlook::of_all(self, &all, cpus);
        let sample = (2 * cpus as usize).max(SAMPLE);
        for each in &crews {
            self.sort(each, sample);
        }
        let now = self.clock.now();
        let mut decision = self.forwarding.decide(now, cpus, &mut crews);
        if decision.overloaded && crews.iter().any(Outlook::is_worth_sorting) {
            for each in crews.iter().filter(|each| each.is_worth_sorting()) {
                self.sort(each, MOST);
            }
            let tells = decision.tells;
            decision = self.forwarding.decide(now, cpus, &mut crews);
            decision.tells |= tells;
        }
        if decision.overloaded {
            for each in &crews {
                self.empty_stores(each);
            }
        }
        if decision.tells {
            self.wake_agent();
        }
        self.backlog.store(decision.work, Ordering::Relaxed);
        decision.work > 0 || decision.owes || crews.iter().any(|each| each.crew.sorted.any())
    }

    /// Sorts more of the crew's oldest tasks, until there are so many.
    fn sort(&self, of: &Outlook<'_>, most: usize) {
        let more = most.saturating_sub(of.crew.sorted.len());
        if more > 0 && !of.crew.lanes.plain.is_empty() && self.forwarding.sort(self, of.crew, more) > 0 {
            self.end_if_over(of);
        }
    }

    /// What is long in a thread's store is for others; it is sorted when it is among the oldest.
    fn empty_stores(&self, of: &Outlook<'_>) {
        for store in of
            .stores
            .iter()
            .filter(|store| store.worth && policy::is_overloaded(store.work, 1))
        {
            let tasks = self.port(store.port).local.take_all_of(of.crew.job);
            of.crew.lanes.plain.push_all(&tasks);
        }
        self.end_if_over(of);
    }

    /// Who queues a task of a crew that is over cancels it there, where the watchdog may have taken it in the meantime.
    fn end_if_over(&self, of: &Outlook<'_>) {
        if let Some(crew) = of.of_job.filter(|crew| crew.is_over()) {
            self.alone(0, |turn| {
                turn.cancel_queued(crew);
                turn.cancel_forwarded(crew);
            });
        }
    }

    /// The oldest task of a crew, if it is in a line.
    pub(crate) fn take_sorted(&self, crew: &Crew) -> Option<u32> {
        let mut all = self.forwarding.lines.lock();
        let task = all.oldest(&crew.sorted)?.take(&self.tasks)?;
        crew.sorted.count.fetch_sub(1, Ordering::Relaxed);
        Some(task)
    }
}
