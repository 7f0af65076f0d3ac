//! What a node of a cluster has to do, for its agent.

use mobula_sync::atomic::Ordering;

use crate::node::Node;
use crate::object::NONE;
use crate::port::{Inner, Port};
use crate::task::{HOLDS, LENT};

/// What a node has to do; see [`Node::load`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// What would be free without the tasks of other nodes: CPU, then the other resources in the order of the configuration.
    pub available: Vec<i64>,
    /// CPU that tasks of other nodes have lent, as they wait in `get`, by their templates.
    pub lent: Vec<(u32, i64)>,
    /// Tasks of other nodes that threads have.
    pub foreign: u32,
    /// Tasks that wait for a worker.
    pub queued: u32,
    /// Nanoseconds of work that wait, as far as the watchdog knows.
    pub backlog: u64,
}

impl Node {
    /// What the node has to do.
    #[must_use]
    pub fn load(&self) -> Load {
        let mut load = Load {
            available: self.resources.free(),
            lent: Vec::new(),
            foreign: 0,
            queued: 0,
            backlog: self.backlog.load(Ordering::Relaxed),
        };
        self.any_crew(|crew| {
            load.queued += (crew.lanes.len() + crew.sorted.len()) as u32;
            false
        });
        self.any_port(|port| {
            load.queued += port.local.len() as u32;
            if port.runs_tasks.load(Ordering::Relaxed) {
                self.add_foreign(port, &port.inner.lock(), &mut load);
            }
            false
        });
        load
    }

    /// Adds the tasks of other nodes that a thread has, and what they hold.
    fn add_foreign(&self, port: &Port, inner: &Inner, load: &mut Load) {
        let foreign = |&task: &u32| {
            // SAFETY: the port holds the task, and its lock is held.
            let is_foreign = || unsafe { self.tasks.get(task).spec() }.origin.is_some();
            task != NONE && self.is_at(task, port.id) && is_foreign()
        };
        let mut batch: Vec<u32> = inner.batch.iter().copied().filter(foreign).collect();
        if !batch.is_empty() {
            load.available[0] += inner.holds_cpu;
        }
        batch.extend(inner.begun.entries().iter().copied().filter(foreign));
        batch.sort_unstable();
        batch.dedup();
        load.foreign += batch.len() as u32;
        for task in batch {
            let cell = self.tasks.get(task);
            if !cell.has(HOLDS) {
                continue;
            }
            // SAFETY: as above.
            let template = &unsafe { cell.spec() }.template;
            let demand = &template.demand;
            if !cell.has(LENT) {
                load.available[0] += demand.cpu;
            } else if let Some((_, cpu)) = load.lent.iter_mut().find(|each| each.0 == template.number) {
                *cpu += demand.cpu;
            } else {
                load.lent.push((template.number, demand.cpu));
            }
            for &(index, amount) in &demand.others {
                load.available[1 + index as usize] += amount;
            }
        }
    }
}
