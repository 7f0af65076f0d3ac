//! How much work waits at a node of a cluster, as far as the watchdog sees.

use std::sync::Arc;

use crate::crew::Crew;
use crate::forward::Lines;
use crate::node::Node;
use crate::policy;
use crate::port::Port;
use crate::template::Use;

/// The plain tasks that a thread has in store.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) port: u16,
    /// Nanoseconds of work.
    pub(crate) work: u64,
    /// Whether other nodes may have tasks like the oldest.
    pub(crate) worth: bool,
}

/// What waits for the threads of one crew.
#[derive(Debug)]
pub(crate) struct Outlook<'c> {
    pub(crate) crew: &'c Crew,
    /// The same, if it is that of another process's job, which may end.
    pub(crate) of_job: Option<&'c Arc<Crew>>,
    pub(crate) stores: Vec<Store>,
    /// Nanoseconds of work that wait.
    pub(crate) work: u64,
    /// Of these, so many are more than the node soon comes to.
    pub(crate) excess: u64,
    /// Whether other nodes may have any of what was sorted.
    worth: bool,
}

impl<'c> Outlook<'c> {
    /// Of all crews of the node.
    pub(crate) fn of_all(node: &'c Node, crews: &'c [Arc<Crew>], cpus: u64) -> Vec<Self> {
        let others = crews.iter().map(|crew| (&**crew, Some(crew)));
        let all = std::iter::once((&node.home, None)).chain(others);
        let new = |(crew, of_job)| Self {
            crew,
            of_job,
            stores: Vec::new(),
            work: 0,
            excess: 0,
            worth: false,
        };
        let mut outlooks: Vec<Self> = all.map(new).collect();
        node.any_port(|port| {
            let look = |task| {
                // SAFETY: the store holds the task, and its lock is held.
                let template = unsafe { node.tasks.get(task).spec() }.template.share();
                (template.cost.mean(), template.cost.usual())
            };
            if let Some((job, tasks, (mean, usual))) = port.local.look(look)
                && let Some(outlook) = outlooks.iter_mut().find(|each| each.crew.job == job)
            {
                outlook.stores.push(Store {
                    port: port.id,
                    work: tasks as u64 * mean.map_or(policy::OFFER_NANOSECONDS, u64::from),
                    worth: policy::is_worth_sending(usual, cpus),
                });
            }
            false
        });
        outlooks
    }

    /// Looks at what waits in lines, in the queue and in stores. What the tasks in the queue take is taken to be what the sorted
    /// ones do.
    pub(crate) fn weigh(&mut self, all: &Lines, cpus: u64) {
        let (mut tasks, mut work) = (0_u64, 0_u64);
        self.worth = false;
        for line in all.by_number.values().filter(|line| line.job() == self.crew.job) {
            let Some(shared) = &line.shared else { continue };
            let mean = shared.of.cost.mean();
            let live = u64::from(line.live());
            tasks += live;
            work += live * mean.map_or(policy::OFFER_NANOSECONDS, u64::from);
            self.worth |= !shared.bound && policy::is_worth_sending(shared.of.cost.usual(), cpus);
        }
        let each: u64 = work.checked_div(tasks).unwrap_or(0);
        let stored: u64 = self.stores.iter().map(|store| store.work).sum();
        self.work = work + self.crew.lanes.plain.len() as u64 * each + stored;
    }

    /// Crews share the CPUs: of `all` the work of the node, the same part of each crew's is soon come to.
    pub(crate) fn share_excess(&mut self, all: u64, cpus: u64) {
        self.excess = policy::excess(self.work, all, cpus);
    }

    /// Whether the rest of the queue is to be sorted too.
    pub(crate) fn is_worth_sorting(&self) -> bool {
        self.worth && !self.crew.lanes.plain.is_empty()
    }
}

impl Node {
    /// A task begins to have its thread's CPU in the background, or the last one of the thread ends that.
    pub(crate) fn time_occupant(&self, port: &Port, template: &Use, begins: bool) {
        let now = self.clock.now();
        let mut occupant = port.occupant.lock();
        if begins {
            *occupant = Some((template.share(), now));
        } else if let Some((template, since)) = occupant.take() {
            template
                .cost
                .learn_background(now.saturating_sub(since), port.take_background_ended());
        }
    }

    /// Learns of functions that have not ended yet how long they take at least.
    pub(crate) fn look_at_runners(&self) {
        let now = self.clock.now();
        let is_long = |since: u64| now.saturating_sub(since) >= policy::OFFER_NANOSECONDS;
        self.any_port(|port| {
            if port.is_occupied()
                && let Some((template, since)) = &*port.occupant.lock()
                && is_long(*since)
            {
                template.cost.goes_on_in_background(now - since);
            }
            if let Some(inner) = port.inner.try_lock()
                && !inner.batch.is_empty()
                && is_long(inner.batch_began)
                && let Some(template) = inner.kinds.only()
            {
                template.cost.goes_on(now - inner.batch_began);
            }
            false
        });
    }
}
