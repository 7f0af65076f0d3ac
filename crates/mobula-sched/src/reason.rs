//! Why a task waits: the one place that names the reason.

use std::sync::Arc;

use mobula_sync::MutexGuard;
use mobula_sync::atomic::Ordering;

use crate::node::Node;
use crate::object::NONE;
use crate::port::{Inner, Port};
use crate::resources::{Demand, UNIT};
use crate::task::{HOLDS, LENT, State, TaskId};

/// How far a chain of reasons is followed.
const DEEP: usize = 16;
/// The most kinds of holders that are named.
const MANY: usize = 8;

/// What something waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Cause {
    /// It runs, or has ended.
    Nothing = 0,
    /// An argument that is not there. The next reason is that of the task that makes it.
    Argument = 1,
    /// Resources: [`Reason::lacking`], which [`Reason::holders`] have.
    Resources = 2,
    /// Its turn in the queue of its actor. The next reason is that of the actor.
    Actor = 3,
    /// A thread that takes it.
    Thread = 4,
}

/// Somebody who holds what others wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What the actors or tasks are called.
    pub name: Arc<str>,
    /// Whether they are actors, which hold what they have for their lives.
    pub actors: bool,
    /// How many.
    pub count: u32,
}

/// A resource of which too little is free: 0 = CPU, then the others in the order of the configuration; amounts in
/// ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lack {
    /// Which.
    pub resource: u32,
    /// What is asked for.
    pub wanted: i64,
    /// What there is.
    pub free: i64,
}

/// Why a task, a call or an actor waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What waits is called; empty for tasks of any kind.
    pub name: Arc<str>,
    /// What for.
    pub cause: Cause,
    /// How many wait for the same, of a queue: it and those before it.
    pub count: u32,
    /// Resources of which too little is free.
    pub lacking: Vec<Lack>,
    /// Who has them.
    pub holders: Vec<Holder>,
}

impl Reason {
    fn new(name: Arc<str>, cause: Cause, count: u32) -> Self {
        Self {
            name,
            cause,
            count,
            lacking: Vec::new(),
            holders: Vec::new(),
        }
    }
}

/// The node while all its threads' visits stand still: nothing is placed, moved or freed.
pub(crate) struct Still<'n> {
    node: &'n Node,
    ports: Vec<(&'n Port, MutexGuard<'n, Inner>)>,
}

impl Node {
    /// Stops all visits for as long as `look` takes. The caller is in none, and holds no lock.
    pub(crate) fn still<R>(&self, look: impl FnOnce(&Still<'_>) -> R) -> R {
        // Before any port, as `alone` does. It is the only one that holds several ports, in the order of their numbers.
        let _alone = self.alone.lock();
        let ports = (0..self.ports_made()).map(|id| self.port(id as u16));
        look(&Still {
            node: self,
            ports: ports.map(|port| (port, port.inner.lock())).collect(),
        })
    }

    /// Why an object is not there: the reason of the task that makes it, that of what it waits for, and so on. Nothing, if
    /// it is there, or no task makes it.
    #[must_use]
    pub fn explain(&self, object: u32) -> Vec<Reason> {
        self.still(|still| still.explain(object))
    }
}

impl Still<'_> {
    fn explain(&self, object: u32) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut next = self.producer(object);
        while let Some(task) = next.filter(|_| reasons.len() < DEEP) {
            next = self.reason(task, &mut reasons);
        }
        reasons
    }

    fn producer(&self, object: u32) -> Option<TaskId> {
        let cell = self
            .node
            .objects
            .find(object)
            .filter(|cell| !cell.waiters.is_done())?;
        TaskId::unpack(cell.producer.load(Ordering::Relaxed))
    }

    /// Adds why a task waits; gives the task whose reason is behind it.
    fn reason(&self, task: TaskId, reasons: &mut Vec<Reason>) -> Option<TaskId> {
        let cell = self.node.tasks.find(task.index)?;
        let (state, generation) = cell.state();
        if generation != task.generation || state == State::Free {
            return None;
        }
        // SAFETY: it is not free, and while all visits stand still nobody frees it.
        let spec = unsafe { cell.spec() };
        let name = spec.template.name();
        if state == State::Waiting {
            reasons.push(Reason::new(name, Cause::Argument, 1));
            return spec.deps.iter().find_map(|&dep| self.producer(dep));
        }
        if state != State::Ready {
            reasons.push(Reason::new(name, Cause::Nothing, 1));
            return None;
        }
        if spec.actor == NONE {
            reasons.push(self.lack(name, &spec.template.spec.demand, 1));
            return None;
        }
        let actor = self.node.objects.get(spec.actor).actor.load(Ordering::Acquire);
        let seen = self.node.look_at_actor(actor, task.index);
        if spec.creates {
            let reason = if seen.waits {
                self.lack(name, &spec.template.spec.demand, 1)
            } else {
                Reason::new(name, Cause::Thread, 1)
            };
            reasons.push(reason);
            return None;
        }
        reasons.push(Reason::new(name, Cause::Actor, seen.place));
        let at = seen.at?;
        let (_, generation) = self.node.tasks.get(at).state();
        Some(TaskId {
            index: at,
            generation,
        })
    }

    /// Why what asks for `demand` does not get it, or that a thread only has to take it.
    pub(crate) fn lack(&self, name: Arc<str>, demand: &Demand, count: u32) -> Reason {
        let free = self.node.resources.free();
        let wanted = |&(resource, wanted): &(u32, i64)| Lack {
            resource,
            wanted,
            free: free[resource as usize],
        };
        let all = std::iter::once((0, demand.cpu))
            .chain(demand.others.iter().map(|&(index, amount)| (index + 1, amount)));
        let all: Vec<(u32, i64)> = all.collect();
        let lacking: Vec<Lack> = all
            .iter()
            .map(wanted)
            .filter(|lack| lack.free < lack.wanted)
            .collect();
        if lacking.is_empty() {
            return Reason::new(name, Cause::Thread, count);
        }
        let holders = self.holders(&lacking);
        Reason {
            lacking,
            holders,
            ..Reason::new(name, Cause::Resources, count)
        }
    }

    /// Who has some of what is lacking, those that are most first.
    fn holders(&self, lacking: &[Lack]) -> Vec<Holder> {
        let wants = |demand: &Demand| {
            let other = |resource: u32| {
                demand
                    .others
                    .iter()
                    .any(|&(index, amount)| index + 1 == resource && amount > 0)
            };
            lacking.iter().any(|lack| {
                if lack.resource == 0 {
                    demand.cpu > 0
                } else {
                    other(lack.resource)
                }
            })
        };
        let mut holders: Vec<Holder> = Vec::new();
        let mut add = |name: Arc<str>, actors: bool| {
            let mut known = holders.iter_mut();
            match known.find(|holder| holder.actors == actors && holder.name == name) {
                Some(holder) => holder.count += 1,
                None => holders.push(Holder {
                    name,
                    actors,
                    count: 1,
                }),
            }
        };
        for template in self.node.actors_that_hold() {
            if wants(&template.spec.demand) {
                add(Arc::clone(&template.spec.name), true);
            }
        }
        let cpu = Demand {
            cpu: UNIT,
            others: Vec::new(),
        };
        for (port, inner) in self.ports.iter().filter(|(_, inner)| inner.open) {
            if inner.holds_cpu > 0
                && !inner.batch.is_empty()
                && wants(&cpu)
                && let Some(name) = inner.kinds.first()
            {
                add(name, false);
            }
            let mut begun: Vec<u32> = inner
                .begun
                .entries()
                .iter()
                .chain(&inner.batch)
                .copied()
                .collect();
            begun.sort_unstable();
            begun.dedup();
            for task in begun {
                if task == NONE || !self.node.is_at(task, port.id) {
                    continue;
                }
                let cell = self.node.tasks.get(task);
                // SAFETY: its port holds it, and all visits stand still.
                let template = &unsafe { cell.spec() }.template;
                let mut demand = template.spec.demand.clone();
                if cell.has(LENT) {
                    demand.cpu = 0;
                }
                if cell.has(HOLDS) && wants(&demand) {
                    add(template.name(), false);
                }
            }
        }
        holders.sort_by_key(|holder| std::cmp::Reverse(holder.count));
        holders.truncate(MANY);
        holders
    }
}
