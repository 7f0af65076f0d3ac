//! Ready tasks that other nodes may run: those that this node does not keep wait for its agent alone; the oldest plain ones of
//! a node of a cluster wait for its own workers too (`offers.rs`).

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mobula_fault::failpoint;
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicBool, AtomicU32, Ordering};
use rustc_hash::FxHashMap;

use crate::batch::Written;
use crate::node::Node;
use crate::object::NONE;
use crate::offers::Shared;
use crate::payload::Payload;
use crate::port::Inner;
use crate::slab::Slab;
use crate::task::{IN_LINE, Spec, State, Task};
use crate::template::Template;
use crate::turn::Turn;
use crate::violation::Violation;
use crate::wire::{Reader, Writer, event};

/// Cancelled tasks that a line may keep however short it is.
const FEW: u32 = 64;

/// What the tasks of a line have in common: their priority, highest first, whether this node runs them too, and what the agent
/// finds a node by.
pub(crate) type Kind = (Reverse<i32>, bool, Arc<[u8]>);

/// In which line a task waits that is in one.
pub(crate) fn kind(spec: &Spec) -> Kind {
    let Template { spec: of, .. } = &*spec.template;
    let ask = of.forward.as_ref().filter(|_| spec.origin.is_none());
    match ask {
        Some(ask) => (Reverse(of.priority), of.keeps, Arc::clone(ask)),
        None => (Reverse(i32::MIN), true, Arc::default()),
    }
}

/// Tasks of one kind, oldest first. Each has `IN_LINE` until it is taken, or settled and counted as such.
#[derive(Debug)]
pub(crate) struct Line {
    kind: Kind,
    pub(crate) tasks: VecDeque<u32>,
    /// Of these, how many were settled while they waited.
    settled: u32,
    /// How many the agent takes, as soon as there are so many.
    window: u32,
    /// Whether the agent wants no more of it.
    closed: bool,
    /// How many the agent was last told of; nothing if it does not know the line.
    pub(crate) told: Option<u32>,
    /// Of a line that this node's workers take from too.
    pub(crate) shared: Option<Shared>,
}

impl Line {
    pub(crate) fn live(&self) -> u32 {
        self.tasks.len() as u32 - self.settled
    }

    /// How many of them the agent may take.
    pub(crate) fn waiting(&self) -> u32 {
        let offered = self.shared.as_ref().map_or(u32::MAX, |shared| shared.offered);
        self.live().min(offered)
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

    /// A task of the line is settled: it counts no more, and does so once.
    fn settle(&mut self, cell: &Task) {
        if cell.set(IN_LINE, false) {
            self.settled += 1;
        }
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

/// What the agent is told of a line.
#[derive(Debug)]
struct Told<'a> {
    number: u32,
    waiting: u32,
    /// The first time.
    ask: Option<&'a [u8]>,
    /// The number will not be named again.
    over: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// By the number that the agent calls a line. A number is never used again.
    pub(crate) by_number: FxHashMap<u32, Line>,
    pub(crate) numbers: BTreeMap<Kind, u32>,
    made: u32,
    /// The lines of the tasks that this node's workers take too, oldest task first.
    pub(crate) order: VecDeque<u32>,
}

/// The tasks that wait for the agent.
#[derive(Debug)]
pub(crate) struct Forwarding {
    pub(crate) lines: Mutex<Lines>,
    /// How many tasks this node's workers may take from lines. Written under the lock of `lines`.
    pub(crate) shared: AtomicU32,
    /// Whether there may be something that the agent has not been told.
    changed: AtomicBool,
    /// The agent's port, or `NONE`.
    agent: AtomicU32,
}

impl Forwarding {
    pub(crate) fn new() -> Self {
        Self {
            lines: Mutex::default(),
            shared: AtomicU32::new(0),
            changed: AtomicBool::new(false),
            agent: AtomicU32::new(NONE),
        }
    }

    pub(crate) fn has_agent(&self, port: u16) {
        self.agent.store(u32::from(port), Ordering::Release);
    }

    /// Whether the node belongs to a cluster.
    pub(crate) fn is_there(&self) -> bool {
        self.agent.load(Ordering::Relaxed) != NONE
    }

    pub(crate) fn is_agent(&self, port: u32) -> bool {
        port != NONE && self.agent.load(Ordering::Acquire) == port
    }

    /// Whether the agent finds news when it looks.
    pub(crate) fn has_news(&self) -> bool {
        // Acquire: pairs with the Release in `change`, after the line was changed.
        self.changed.load(Ordering::Acquire)
    }

    pub(crate) fn change(&self) {
        self.changed.store(true, Ordering::Release);
    }

    /// A task is ready that the node does not keep.
    pub(crate) fn push(&self, of: &Template, cells: &Slab<Task>, task: u32) {
        let Some(ask) = &of.spec.forward else { return };
        let mut all = self.lines.lock();
        let number = all.number((Reverse(of.spec.priority), false, Arc::clone(ask)), None);
        if let Some(line) = all.by_number.get_mut(&number) {
            line.insert(cells, task, false);
        }
        drop(all);
        self.change();
    }

    /// A task of a line of that kind was settled, if it is in one.
    pub(crate) fn settled(&self, kind: &Kind, cell: &Task) {
        let mut all = self.lines.lock();
        if let Some(number) = all.numbers.get(kind).copied()
            && let Some(line) = all.by_number.get_mut(&number)
        {
            line.settle(cell);
        }
        drop(all);
        self.change();
    }

    /// The agent takes so many more tasks of a line. It may have ended.
    pub(crate) fn open(&self, number: u32, window: u32) {
        if let Some(line) = self.lines.lock().by_number.get_mut(&number) {
            line.window = window;
        }
        self.change();
    }

    /// The agent needs a line no more. If it has no tasks, it is over.
    pub(crate) fn close(&self, number: u32) {
        if let Some(line) = self.lines.lock().by_number.get_mut(&number) {
            line.closed = line.tasks.is_empty();
        }
        self.change();
    }

    /// The next task that the agent takes, with its line: of the highest priority first.
    fn pop(&self, cells: &Slab<Task>) -> Option<(u32, u32)> {
        let mut all = self.lines.lock();
        let Lines {
            by_number: lines,
            numbers,
            ..
        } = &mut *all;
        numbers.values().find_map(|&number| {
            let line = lines.get_mut(&number)?;
            if line.window == 0 || line.waiting() == 0 && line.shared.is_some() {
                return None;
            }
            let task = line.take(cells)?;
            line.window -= 1;
            if let Some(shared) = &mut line.shared {
                shared.leaves();
                self.shared.fetch_sub(1, Ordering::Relaxed);
            }
            Some((number, task))
        })
    }

    /// A task that was popped does not go: it waits again, or it was settled meanwhile.
    fn keep(&self, number: u32, cells: &Slab<Task>, waits: Option<u32>) {
        let mut all = self.lines.lock();
        let Lines {
            by_number: lines,
            order,
            ..
        } = &mut *all;
        let Some(line) = lines.get_mut(&number) else {
            return;
        };
        line.window += 1;
        if let Some(task) = waits {
            line.insert(cells, task, true);
            if let Some(shared) = &mut line.shared {
                if !shared.comes_back() {
                    order.push_front(number);
                }
                self.shared.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Calls `tell` with each line of which the agent knows another count, or nothing, or that is over, until that is false.
    /// Lines that are over are dropped.
    fn tell(&self, mut tell: impl FnMut(&Told<'_>) -> bool) {
        let mut all = self.lines.lock();
        let Lines {
            by_number: lines,
            numbers,
            ..
        } = &mut *all;
        let mut room = true;
        numbers.retain(|_, &mut number| {
            let Some(line) = lines.get_mut(&number) else {
                return false;
            };
            let waiting = line.waiting();
            let over = line.closed && line.tasks.is_empty();
            let unknown = line.told.is_none() && line.shared.is_some();
            if !room || (line.told == Some(waiting) || unknown && waiting == 0) && !over {
                return true;
            }
            room = tell(&Told {
                number,
                waiting,
                ask: line.told.is_none().then_some(&*line.kind.2),
                over,
            });
            if room {
                line.told = Some(waiting);
            }
            if room && over {
                lines.remove(&number);
            }
            !(room && over)
        });
        if !room {
            self.change();
        }
    }

    /// Takes tasks out of lines that were settled there, where they are many.
    pub(crate) fn sweep(&self, cells: &Slab<Task>) -> Vec<u32> {
        let mut swept = Vec::new();
        for line in self.lines.lock().by_number.values_mut() {
            if line.settled <= FEW.max(line.tasks.len() as u32 / 2) {
                continue;
            }
            let before = swept.len();
            let Line { tasks, settled, .. } = line;
            tasks.retain(|&task| {
                let cell = cells.get(task);
                let gone = cell.state().0 != State::Ready;
                if gone {
                    *settled -= u32::from(!cell.set(IN_LINE, false));
                    swept.push(task);
                }
                !gone
            });
            if let Some(shared) = &mut line.shared {
                let gone = (swept.len() - before) as u32;
                shared.leave(gone);
                self.shared.fetch_sub(gone, Ordering::Relaxed);
            }
        }
        swept
    }
}

impl Lines {
    /// The number of the line of that kind, which is made if there is none.
    pub(crate) fn number(&mut self, kind: Kind, shared: Option<Shared>) -> u32 {
        if let Some(&number) = self.numbers.get(&kind) {
            return number;
        }
        self.made += 1;
        self.numbers.insert(kind.clone(), self.made);
        let line = Line {
            kind,
            tasks: VecDeque::new(),
            settled: 0,
            window: 0,
            closed: false,
            told: None,
            shared,
        };
        self.by_number.insert(self.made, line);
        self.made
    }
}

impl Node {
    /// Wakes the agent, if it sleeps.
    pub(crate) fn wake_agent(&self) {
        let agent = self.forwarding.agent.load(Ordering::Acquire);
        if agent != NONE {
            self.port(agent as u16).wake();
        }
    }
}

impl Turn<'_> {
    /// Hands the agent the tasks that it takes, and tells it how many wait. Gives the size of a record that does not fit.
    pub(crate) fn write_forwarded(&mut self, inner: &mut Inner, writer: &mut Writer<'_>) -> Option<u32> {
        let node = self.node;
        node.forwarding.changed.store(false, Ordering::Relaxed);
        for task in node.forwarding.sweep(&node.tasks) {
            self.holder_leaves(task);
        }
        while let Some((line, task)) = node.forwarding.pop(&node.tasks) {
            failpoint!("forward.take");
            match self.write_record(task, 0, writer) {
                Written::Done(_) => node.remember_begun(inner, self.port, task),
                Written::Gone => {
                    node.forwarding.keep(line, &node.tasks, None);
                    self.holder_leaves(task);
                }
                Written::NoRoom(size) => {
                    node.forwarding.keep(line, &node.tasks, Some(task));
                    node.forwarding.change();
                    return Some(size);
                }
            }
        }
        let mut needs = None;
        node.forwarding.tell(|told| {
            let bytes = told.ask.map(Payload::new);
            let size = 12 + bytes.as_ref().map_or(0, Writer::size);
            if size > writer.room() {
                needs = Some(size as u32);
                return false;
            }
            let flags = u8::from(bytes.is_some()) | u8::from(told.over) << 1;
            writer.head(event::LINE, flags, 0);
            writer.u32(told.number);
            writer.u32(told.waiting);
            if let Some(bytes) = &bytes {
                writer.payload(bytes);
            }
            true
        });
        needs
    }

    /// Whether this is a visit of the agent.
    pub(crate) fn is_agent(&self) -> bool {
        self.node.forwarding.is_agent(u32::from(self.port))
    }

    /// The agent says how many more tasks of a line it takes, or that it needs the line no more.
    pub(crate) fn open_line(&mut self, reader: &mut Reader<'_>) -> Result<(), Violation> {
        let closes = reader.u8() != 0;
        let (line, window) = (reader.u32(), reader.u32());
        reader.check()?;
        if closes {
            self.node.forwarding.close(line);
        } else {
            self.node.forwarding.open(line, window);
        }
        Ok(())
    }
}
