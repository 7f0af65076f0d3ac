//! Ready tasks of one kind that other nodes may run.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use mobula_sync::atomic::Ordering;

use crate::offers::Shared;
use crate::slab::Slab;
use crate::task::{IN_LINE, Spec, State, Task};
use crate::template::Template;

/// What the tasks of a line have in common: their priority, highest first, whether this node runs them too, the job of their
/// crew, what the agent finds a node by, and where their large arguments are.
pub(crate) type Kind = (Reverse<i32>, bool, u32, Arc<[u8]>, Option<Near>);

/// Fewer bytes than this draw no task.
const LEAST_BYTES: u64 = 64 << 10;
/// Tasks of one line have so many times the bytes of others at most.
const STEP: u64 = 16;

/// The node that has most of the arguments of a task that stay at nodes, and about how many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Near {
    /// The agent's number for it.
    pub(crate) node: u32,
    /// A power of `STEP` times `LEAST_BYTES`, from 1 on: the smallest that is more.
    class: u8,
}

impl Near {
    /// Nothing if that is too little to matter.
    pub(crate) fn new(node: u32, bytes: u64) -> Option<Self> {
        let classes = (bytes / LEAST_BYTES).checked_ilog(STEP)? + 1;
        Some(Self {
            node,
            class: classes as u8,
        })
    }

    /// About the bytes of each task: 4 times the least of its class.
    pub(crate) fn kibibytes(self) -> u32 {
        let least = LEAST_BYTES.saturating_mul(STEP.saturating_pow(u32::from(self.class) - 1));
        u32::try_from(least.saturating_mul(4) >> 10).unwrap_or(u32::MAX)
    }

    /// In a word; 0 for nothing.
    pub(crate) fn pack(near: Option<Self>) -> u64 {
        near.map_or(0, |near| u64::from(near.node) << 8 | u64::from(near.class))
    }

    fn unpack(word: u64) -> Option<Self> {
        (word != 0).then_some(Self {
            node: (word >> 8) as u32,
            class: word as u8,
        })
    }
}

/// In which line a task waits that is in one.
pub(crate) fn kind(spec: &Spec, cell: &Task) -> Kind {
    let Template { spec: of, crew, .. } = &*spec.template;
    let job = crew.as_ref().map_or(0, |crew| crew.job);
    let ask = of.forward.as_ref().filter(|_| spec.origin.is_none());
    match ask {
        // Relaxed: under the lock of the lines, as where it is written.
        Some(ask) if !of.keeps => {
            let near = Near::unpack(cell.near.load(Ordering::Relaxed));
            (Reverse(of.priority), false, job, Arc::clone(ask), near)
        }
        Some(ask) => (Reverse(of.priority), true, job, Arc::clone(ask), None),
        None => (Reverse(i32::MIN), true, job, Arc::default(), None),
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

    /// Where the large arguments of its tasks are.
    pub(crate) fn near(&self) -> Option<Near> {
        self.kind.4
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
