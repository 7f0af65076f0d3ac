//! Ready tasks that other nodes may run: those that this node does not keep wait for its agent alone; the oldest plain ones of
//! a node of a cluster wait for its own threads too (`offers.rs`).

use std::collections::BTreeMap;

use mobula_fault::failpoint;
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicBool, AtomicU32, Ordering};
use rustc_hash::FxHashMap;

use crate::away::Elsewhere;
use crate::batch::Written;
use crate::line::{self, Kind, Line, Near};
use crate::node::Node;
use crate::object::NONE;
use crate::offers::Shared;
use crate::payload::Payload;
use crate::port::Inner;
use crate::slab::Slab;
use crate::task::{IN_LINE, Spec, State, Task, TaskId};
use crate::turn::Turn;
use crate::violation::Violation;
use crate::wire::{Reader, Writer, event};

/// What the agent calls the tasks that go behind others; no line has that number.
const FOLLOWERS: u32 = 0;

/// Cancelled tasks that a line may keep however short it is, until the agent closes it.
const FEW: u32 = 64;

/// How a task goes to the agent: the line that it is from, and its arguments that lie at places, by their position.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) line: u32,
    pub(crate) elsewhere: Vec<Elsewhere>,
}

/// What the agent is told of a line.
#[derive(Debug)]
struct Told<'a> {
    number: u32,
    waiting: u32,
    /// The first time.
    ask: Option<&'a [u8]>,
    near: Option<Near>,
    /// Nanoseconds that one of its tasks takes, and what it submits, if that is known.
    mean: Option<u32>,
    /// The number will not be named again.
    over: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// By the number that the agent calls a line. A number is never used again.
    pub(crate) by_number: FxHashMap<u32, Line>,
    pub(crate) numbers: BTreeMap<Kind, u32>,
    made: u32,
}

/// The tasks that wait for the agent.
#[derive(Debug)]
pub(crate) struct Forwarding {
    pub(crate) lines: Mutex<Lines>,
    /// Whether there may be something that the agent has not been told.
    changed: AtomicBool,
    /// The agent's port, or `NONE`.
    agent: AtomicU32,
}

impl Forwarding {
    pub(crate) fn new() -> Self {
        Self {
            lines: Mutex::default(),
            changed: AtomicBool::new(false),
            agent: AtomicU32::new(NONE),
        }
    }

    pub(crate) fn has_agent(&self, port: u16) {
        self.agent.store(u32::from(port), Ordering::Release);
    }

    /// Whether the node belongs to a cluster.
    pub(crate) fn is_there(&self) -> bool {
        // Relaxed: who misses an agent that has just come does what it did before; nothing of the agent's is read.
        self.agent.load(Ordering::Relaxed) != NONE
    }

    /// The agent's port.
    pub(crate) fn agent(&self) -> Option<u16> {
        let agent = self.agent.load(Ordering::Acquire);
        (agent != NONE).then_some(agent as u16)
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

    /// A task is ready that the node does not keep. `near`: where its large arguments are.
    pub(crate) fn push(&self, spec: &Spec, near: Option<Near>, cells: &Slab<Task>, task: u32) {
        let mut all = self.lines.lock();
        let cell = cells.get(task);
        // Relaxed: under the lock, as where it is read.
        cell.near.store(Near::pack(near), Ordering::Relaxed);
        let number = all.number(line::kind(spec, cell), None);
        if let Some(line) = all.by_number.get_mut(&number) {
            line.insert(cells, task, false);
        }
        drop(all);
        self.change();
    }

    /// A task was settled that waits: if it is in a line, it counts no more. One that is put there later is
    /// found settled then. Gives whether it was there.
    pub(crate) fn settled(&self, spec: &Spec, cell: &Task) -> bool {
        let mut all = self.lines.lock();
        // Under the lock, which who has put it there has held.
        let number = all.numbers.get(&line::kind(spec, cell)).copied();
        let line = number.and_then(|number| all.by_number.get_mut(&number));
        let counted = line.is_some_and(|line| line.settle(cell));
        drop(all);
        if counted {
            self.change();
        }
        counted
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
    fn pop(&self, node: &Node) -> Option<(u32, u32)> {
        let mut all = self.lines.lock();
        let Lines {
            by_number: lines,
            numbers,
            ..
        } = &mut *all;
        numbers.values().find_map(|&number| {
            let line = lines.get_mut(&number)?;
            if line.window == 0 || (line.shared.is_some() && line.waiting() == 0) {
                return None;
            }
            let task = line.take(&node.tasks)?;
            line.window -= 1;
            if let Some(shared) = &mut line.shared {
                shared.leaves(node);
            }
            Some((number, task))
        })
    }

    /// A task that was popped does not go: it waits again, or it was settled meanwhile.
    fn keep(&self, number: u32, node: &Node, waits: Option<u32>) {
        let mut all = self.lines.lock();
        let Some(line) = all.by_number.get_mut(&number) else {
            return;
        };
        line.window += 1;
        if let Some(task) = waits {
            line.insert(&node.tasks, task, true);
            if let Some(shared) = &mut line.shared {
                shared.comes_back(node, number);
            }
        }
    }

    /// All tasks that wait for which `is_one` holds, by `id`.
    pub(crate) fn find_all(&self, is_one: impl Fn(u32) -> bool, id: impl Fn(u32) -> TaskId) -> Vec<TaskId> {
        let all = self.lines.lock();
        let tasks = all.by_number.values().flat_map(|line| &line.tasks);
        tasks.copied().filter(|&task| is_one(task)).map(id).collect()
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
            let is_new = line.told.is_none() && line.shared.is_some();
            if !room || ((line.told == Some(waiting) || (is_new && waiting == 0)) && !over) {
                return true;
            }
            room = tell(&Told {
                number,
                waiting,
                ask: line.told.is_none().then_some(line.ask()),
                near: line.near().filter(|_| line.told.is_none()),
                mean: line.shared.as_ref().and_then(|shared| shared.of.cost.mean()),
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

    /// Takes tasks out of lines that were settled there, where `is_due`.
    fn sweep(&self, node: &Node, is_due: impl Fn(&Line) -> bool) -> Vec<u32> {
        let mut swept = Vec::new();
        for line in self.lines.lock().by_number.values_mut() {
            if !is_due(line) {
                continue;
            }
            let before = swept.len();
            let Line { tasks, settled, .. } = line;
            tasks.retain(|&task| {
                let cell = node.tasks.get(task);
                let gone = cell.state().0 != State::Ready;
                if gone {
                    swept.push(task);
                    // Counted one by one: of those that go, some may not have been counted yet.
                    *settled -= u32::from(!cell.set(IN_LINE, false));
                }
                !gone
            });
            if let Some(shared) = &mut line.shared {
                shared.leave(node, (swept.len() - before) as u32);
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
        self.by_number.insert(self.made, Line::new(kind, shared));
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
        self.sweep_lines(|line| line.has_many_settled(FEW));
        while let Some((line, task)) = node.forwarding.pop(node) {
            failpoint!("forward.take");
            let is_ready = node.tasks.get(task).state().0 == State::Ready;
            // Nothing is made again for one that was settled meanwhile.
            let elsewhere = if is_ready {
                self.elsewhere(task)
            } else {
                Some(Vec::new())
            };
            let Some(elsewhere) = elsewhere else {
                // An argument was lost since the task was put there.
                node.forwarding.keep(line, node, None);
                self.wait_again(task);
                continue;
            };
            match self.write_record(task, 0, Some(&Way { line, elsewhere }), writer) {
                Written::Done(_) => {
                    node.remember_begun(inner, self.port, task);
                    self.has_left(task);
                }
                Written::Gone => {
                    node.forwarding.keep(line, node, None);
                    self.holder_leaves(task);
                }
                Written::NoRoom(size) => {
                    node.forwarding.keep(line, node, Some(task));
                    node.forwarding.change();
                    return Some(size);
                }
            }
        }
        let mut needs = self.write_followers(inner, writer);
        if needs.is_some() {
            return needs;
        }
        node.forwarding.tell(|told| {
            let bytes = told.ask.map(Payload::new);
            let size = 24 + bytes.as_ref().map_or(0, Writer::size);
            if size > writer.room() {
                needs = Some(size as u32);
                return false;
            }
            let flags = u8::from(bytes.is_some())
                | u8::from(told.over) << 1
                | u8::from(told.near.is_some()) << 2
                | u8::from(told.mean.is_some()) << 3;
            writer.head(event::LINE, flags, 0);
            writer.u32(told.number);
            writer.u32(told.waiting);
            if let Some(mean) = told.mean {
                writer.u32(mean);
            }
            if let Some(bytes) = &bytes {
                writer.payload(bytes);
            }
            if let Some(near) = told.near {
                writer.u32(near.node);
                writer.u32(near.kibibytes());
            }
            true
        });
        needs
    }

    /// Lets go of tasks that were settled while they waited, in lines that are due.
    pub(crate) fn sweep_lines(&mut self, is_due: impl Fn(&Line) -> bool) {
        for task in self.node.forwarding.sweep(self.node, is_due) {
            self.holder_leaves(task);
        }
    }

    /// Whether this is a visit of the agent.
    pub(crate) fn is_agent(&self) -> bool {
        self.node.forwarding.is_agent(u32::from(self.port))
    }

    /// The agent says how many more tasks of a line, or behind others, it takes, or that it needs the line no more.
    pub(crate) fn open_line(&mut self, reader: &mut Reader<'_>) -> Result<(), Violation> {
        let closes = reader.u8() != 0;
        let (line, window) = (reader.u32(), reader.u32());
        reader.check()?;
        if line == FOLLOWERS {
            self.node.following.open(window);
            self.node.forwarding.change();
        } else if closes {
            // What is left of it was settled.
            self.sweep_lines(|line| line.has_many_settled(0));
            self.node.forwarding.close(line);
        } else {
            self.node.forwarding.open(line, window);
        }
        Ok(())
    }
}
