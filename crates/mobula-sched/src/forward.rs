//! Ready tasks that this node does not keep: they wait for its agent, which has other nodes run them.

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
use crate::payload::Payload;
use crate::port::Inner;
use crate::task::{State, TaskId};
use crate::template::Template;
use crate::turn::Turn;
use crate::violation::Violation;
use crate::wire::{Reader, Writer, event};

/// What the agent calls the tasks that go behind others; no line has that number.
const FOLLOWERS: u32 = 0;

/// Cancelled tasks that a line may keep however short it is, until the agent closes it.
const FEW: i32 = 64;

/// What the tasks of a line have in common: their priority, highest first, and what the agent finds a node by.
type Kind = (Reverse<i32>, Arc<[u8]>);

/// Tasks of one kind, oldest first.
#[derive(Debug)]
struct Line {
    kind: Kind,
    tasks: VecDeque<u32>,
    /// Of these, how many were settled while they waited.
    settled: i32,
    /// How many the agent takes, as soon as there are so many.
    window: u32,
    /// Whether the agent wants no more of it.
    closed: bool,
    /// How many the agent was last told of; nothing if it does not know the line.
    told: Option<u32>,
}

impl Line {
    fn waiting(&self) -> u32 {
        (self.tasks.len() as u32).saturating_add_signed(-self.settled)
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
struct Lines {
    /// By the number that the agent calls a line. A number is never used again.
    by_number: FxHashMap<u32, Line>,
    numbers: BTreeMap<Kind, u32>,
    made: u32,
}

/// The tasks that wait for the agent.
#[derive(Debug)]
pub(crate) struct Forwarding {
    lines: Mutex<Lines>,
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
    pub(crate) fn push(&self, of: &Template, task: u32) {
        let Some(ask) = &of.spec.forward else { return };
        let mut all = self.lines.lock();
        let kind = (Reverse(of.spec.priority), Arc::clone(ask));
        let number = all.number(kind);
        if let Some(line) = all.by_number.get_mut(&number) {
            line.tasks.push_back(task);
            line.closed = false;
        }
        drop(all);
        self.change();
    }

    /// A task that waits was settled: it counts no more.
    pub(crate) fn settled(&self, of: &Template) {
        let Some(ask) = &of.spec.forward else { return };
        let mut all = self.lines.lock();
        let kind = (Reverse(of.spec.priority), Arc::clone(ask));
        // It may be settled before it is pushed.
        let number = all.number(kind);
        if let Some(line) = all.by_number.get_mut(&number) {
            line.settled += 1;
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
    fn pop(&self) -> Option<(u32, u32)> {
        let mut all = self.lines.lock();
        let Lines {
            by_number: lines,
            numbers,
            ..
        } = &mut *all;
        numbers.values().find_map(|&number| {
            let line = lines.get_mut(&number)?;
            if line.window == 0 {
                return None;
            }
            let task = line.tasks.pop_front()?;
            line.window -= 1;
            Some((number, task))
        })
    }

    /// A task that was popped does not go: it waits again, or it was settled meanwhile.
    fn keep(&self, number: u32, waits: Option<u32>) {
        let mut all = self.lines.lock();
        let Some(line) = all.by_number.get_mut(&number) else {
            return;
        };
        line.window += 1;
        match waits {
            Some(task) => line.tasks.push_front(task),
            None => line.settled -= 1,
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
            // A task may be settled and not counted yet, or counted and not pushed yet.
            let over = line.closed && line.tasks.is_empty() && line.settled == 0;
            if !room || (line.told == Some(waiting) && !over) {
                return true;
            }
            room = tell(&Told {
                number,
                waiting,
                ask: line.told.is_none().then_some(&*line.kind.1),
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

    /// Takes tasks out of lines that were settled there, where they are more than `few` and half of all. `is_settled` looks at one.
    fn sweep(&self, few: i32, is_settled: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut swept = Vec::new();
        for line in self.lines.lock().by_number.values_mut() {
            if line.settled <= few.max(i32::try_from(line.tasks.len() / 2).unwrap_or(i32::MAX)) {
                continue;
            }
            let mut settled = line.settled;
            line.tasks.retain(|&task| {
                let gone = is_settled(task);
                if gone {
                    swept.push(task);
                    // Counted one by one: of those that go, some may not have been counted yet.
                    settled -= 1;
                }
                !gone
            });
            line.settled = settled;
        }
        swept
    }
}

impl Lines {
    fn number(&mut self, kind: Kind) -> u32 {
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
        self.sweep_lines(FEW);
        while let Some((line, task)) = node.forwarding.pop() {
            failpoint!("forward.take");
            match self.write_record(task, 0, writer) {
                Written::Done(_) => {
                    node.remember_begun(inner, self.port, task);
                    self.has_left(task);
                }
                Written::Gone => {
                    node.forwarding.keep(line, None);
                    self.holder_leaves(task);
                }
                Written::NoRoom(size) => {
                    node.forwarding.keep(line, Some(task));
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

    /// Lets go of tasks that were settled while they waited, where they are more than `few`.
    pub(crate) fn sweep_lines(&mut self, few: i32) {
        let node = self.node;
        let settled = |task| node.tasks.get(task).state().0 != State::Ready;
        for task in node.forwarding.sweep(few, settled) {
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
            self.sweep_lines(0);
            self.node.forwarding.close(line);
        } else {
            self.node.forwarding.open(line, window);
        }
        Ok(())
    }
}
