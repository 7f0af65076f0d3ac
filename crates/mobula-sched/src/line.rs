//! Ready tasks of one kind that other nodes may run.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::offers::Shared;
use crate::slab::Slab;
use crate::task::{IN_LINE, Spec, State, Task};
use crate::template::Template;

/// What the tasks of a line have in common: their priority, highest first, whether this node runs them too, the job of their
/// crew, and what the agent finds a node by.
pub(crate) type Kind = (Reverse<i32>, bool, u32, Arc<[u8]>);

/// In which line a task waits that is in one.
pub(crate) fn kind(spec: &Spec) -> Kind {
    let Template { spec: of, crew, .. } = &*spec.template;
    let job = crew.as_ref().map_or(0, |crew| crew.job);
    let ask = of.forward.as_ref().filter(|_| spec.origin.is_none());
    match ask {
        Some(ask) => (Reverse(of.priority), of.keeps, job, Arc::clone(ask)),
        None => (Reverse(i32::MIN), true, job, Arc::default()),
    }
}

/// Tasks of one kind, oldest first. Each has `IN_LINE` until it is taken, or settled and counted as such.
#[derive(Debug)]
pub(crate) struct Line {
    kind: Kind,
    pub(crate) tasks: VecDeque<u32>,
    /// Of these, how many were settled while they waited.
    pub(crate) settled: u32,
    /// How many the agent takes, as soon as there are so many.
    pub(crate) window: u32,
    /// Whether the agent wants no more of it.
    pub(crate) closed: bool,
    /// How many the agent was last told of; nothing if it does not know the line.
    pub(crate) told: Option<u32>,
    /// Of a line that this node's threads take from too.
    pub(crate) shared: Option<Shared>,
}

impl Line {
    /// A line without tasks, which the agent does not know.
    pub(crate) fn new(kind: Kind, shared: Option<Shared>) -> Self {
        Self {
            kind,
            tasks: VecDeque::new(),
            settled: 0,
            window: 0,
            closed: false,
            told: None,
            shared,
        }
    }

    /// The job of the crew that its tasks are of.
    pub(crate) fn job(&self) -> u32 {
        self.kind.2
    }

    /// What the agent finds a node by.
    pub(crate) fn ask(&self) -> &[u8] {
        &self.kind.3
    }

    /// How many of its tasks are not settled.
    pub(crate) fn live(&self) -> u32 {
        self.tasks.len() as u32 - self.settled
    }

    /// How many of them the agent may take.
    pub(crate) fn waiting(&self) -> u32 {
        let offered = self.shared.as_ref().map_or(u32::MAX, |shared| shared.offered);
        self.live().min(offered)
    }

    /// Whether more of its tasks than `few`, and than half of all, were settled.
    pub(crate) fn has_many_settled(&self, few: u32) -> bool {
        self.settled > few.max(self.tasks.len() as u32 / 2)
    }

    /// Adds a task, which may be settled by now.
    pub(crate) fn insert(&mut self, cells: &Slab<Task>, task: u32, first: bool) {
        if first {
            self.tasks.push_front(task);
        } else {
            self.tasks.push_back(task);
        }
        self.closed = false;
        let cell = cells.get(task);
        cell.set(IN_LINE, true);
        if cell.state().0 != State::Ready {
            self.settle(cell);
        }
    }

    /// A task is settled: if the line has it, it counts no more, and does so once. Gives whether that is so.
    pub(crate) fn settle(&mut self, cell: &Task) -> bool {
        let counts = cell.set(IN_LINE, false);
        self.settled += u32::from(counts);
        counts
    }

    /// The oldest task.
    pub(crate) fn take(&mut self, cells: &Slab<Task>) -> Option<u32> {
        let task = self.tasks.pop_front()?;
        if !cells.get(task).set(IN_LINE, false) {
            self.settled -= 1;
        }
        Some(task)
    }
}
