use mobula_queue::ReadyCounter;
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicU32, AtomicU64, Ordering};
use mobula_sync::cell::UnsafeCell;

use crate::object::NONE;
use crate::payload::Payload;
use crate::pruned::PrunedVec;
use crate::template::Use;

/// Where a task is. The numbers are the low byte of [`Task::state`].
///
/// A task has one *holder* that will come upon it sooner or later: its last missing argument, a queue, or
/// the port that runs it. Somebody else (who cancels it, say) may settle it meanwhile.
///
/// ```text
/// Free -> Waiting -> Ready -> Taken -> Free      the holder's way
///            \---------|--------/
///                      v
///                  Settling -> Settled -> Free   the holder comes upon it later and frees it
///                      |
///                      v
///                     Left -> Free               the holder came first: whoever settles frees it
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// No task.
    Free = 0,
    /// An argument is missing.
    Waiting = 1,
    /// In a queue.
    Ready = 2,
    /// In a worker's batch, or running there.
    Taken = 3,
    /// Somebody is settling its results.
    Settling = 4,
    /// Its results are settled; the holder does not know yet.
    Settled = 5,
    /// The holder let go of it while it was being settled.
    Left = 6,
}

/// A task and the generation of its cell: a name that is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskId {
    /// The cell.
    pub index: u32,
    /// The task's number in that cell; 31 bits.
    pub generation: u32,
}

impl TaskId {
    pub(crate) fn pack(self) -> u64 {
        1 << 63 | u64::from(self.generation) << 32 | u64::from(self.index)
    }

    pub(crate) fn unpack(word: u64) -> Option<Self> {
        (word >> 63 == 1).then_some(Self {
            index: word as u32,
            generation: (word >> 32) as u32 & 0x7fff_ffff,
        })
    }
}

/// What a task is, apart from where it is.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) template: Use,
    /// The first, mostly the only, object it makes.
    pub(crate) result: u32,
    /// Further objects it makes.
    pub(crate) more_results: Box<[u32]>,
    pub(crate) arguments: Payload,
    /// Objects whose values are arguments.
    pub(crate) deps: Box<[u32]>,
    /// The object of the actor it is a call on, or that it creates.
    pub(crate) actor: u32,
    pub(crate) creates: bool,
    /// Whose calls on an actor keep their order: the task that makes them, packed, or outside of tasks the thread, by its port
    /// and life.
    pub(crate) caller: u64,
    pub(crate) stream: Option<Consumer>,
    /// What it is at the node that has submitted it, if that is another.
    pub(crate) origin: Option<Box<Origin>>,
}

/// What a task is at the node that has submitted it, as its agent wrote it: the core passes it on to the worker.
pub(crate) type Origin = [u8; 24];

/// Who reads a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Consumer {
    pub(crate) port: u16,
    pub(crate) life: u16,
    /// Its name for the stream.
    pub(crate) token: u32,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            template: Use::default(),
            result: NONE,
            more_results: Box::default(),
            arguments: Payload::default(),
            deps: Box::default(),
            actor: NONE,
            creates: false,
            caller: 0,
            stream: None,
            origin: None,
        }
    }
}

impl Spec {
    pub(crate) fn results(&self) -> impl Iterator<Item = u32> + '_ {
        std::iter::once(self.result).chain(self.more_results.iter().copied())
    }
}

/// The cell of a task.
///
/// 1. `spec` is written before the task is placed and does not change; it may be read by the holder, and
///    by whoever moved the task to `Settling`, until they let go of it.
/// 2. All moves are compare-and-swaps of state and generation together, so a stale name moves nothing.
#[derive(Debug, Default)]
pub(crate) struct Task {
    state: AtomicU64,
    pub(crate) missing: ReadyCounter,
    /// The port that holds it, from just before it is taken until it goes back to a queue; else `NONE`.
    pub(crate) port: AtomicU32,
    /// `HOLDS`, `LENT`, `PENDING`, `OCCUPIES`: written by the port that runs the task. `ARRIVED`, `DROPPED`, `AGAIN`: written
    /// under the lock of the actor that the task is a call on.
    pub(crate) flags: AtomicU32,
    /// 0 for the first attempt. Written by the holder between attempts.
    pub(crate) retries: AtomicU32,
    /// Low half: threads that it has ended. High half: attempts that another task ended. Written by who buries a thread.
    deaths: AtomicU32,
    /// Items of the stream handed out, over all attempts. Written by the port that runs the task.
    pub(crate) yielded: AtomicU32,
    /// When the time of the attempt that is handed out is over; 0 if that is not known, or never. Written under the lock of
    /// the port that holds it.
    pub(crate) deadline: AtomicU64,
    /// Where its large arguments are ([`Near::pack`](crate::line::Near::pack)). Written before it is put into a line of tasks that
    /// this node does not run.
    pub(crate) near: AtomicU64,
    /// The tasks that it has submitted, if any (`HAS_CHILDREN`).
    children: Mutex<Option<Box<Children>>>,
    spec: UnsafeCell<Spec>,
}

/// The task holds its resources.
pub(crate) const HOLDS: u32 = 1;
/// It lent its CPU while it waits in `get`.
pub(crate) const LENT: u32 = 2;
/// It went on in the background of its thread: it returned a promise.
pub(crate) const PENDING: u32 = 4;
/// It is one of its port's [`Port::occupants`](crate::port::Port::occupants).
pub(crate) const OCCUPIES: u32 = 64;
/// Nothing is missing that the call waited for: from now on its actor holds it.
pub(crate) const ARRIVED: u32 = 8;
/// The call left its caller's order before that: its last missing argument lets go of it.
pub(crate) const DROPPED: u32 = 16;
/// Its actor starts again while a living thread is at it: once that thread is done, it runs again.
pub(crate) const AGAIN: u32 = 32;

/// It has submitted tasks. Written by whoever submits them; it stays from one attempt to the next.
pub(crate) const HAS_CHILDREN: u32 = 128;

/// It is in one of the lines of [`Forwarding`](crate::forward::Forwarding), and counts there. Written under their lock.
pub(crate) const IN_LINE: u32 = 256;
/// The agent has it before its arguments are there, and owes `missing` an arrival of its own.
pub(crate) const FOLLOWS: u32 = 512;
/// The agent has a task that waits for what this attempt makes.
pub(crate) const FOLLOWED: u32 = 1024;

/// The tasks that a task has submitted.
#[derive(Debug)]
struct Children {
    /// That of the parent: a cell's next task has no part in them.
    generation: u32,
    ids: PrunedVec<TaskId>,
}

// SAFETY: rule 1 keeps the accesses to `spec` apart.
unsafe impl Sync for Task {}

fn word(generation: u32, state: State) -> u64 {
    u64::from(generation) << 8 | state as u64
}

impl Task {
    /// State and generation.
    pub(crate) fn state(&self) -> (State, u32) {
        // Acquire: pairs with the Release half of `shift`.
        let word = self.state.load(Ordering::Acquire);
        let state = match word as u8 {
            1 => State::Waiting,
            2 => State::Ready,
            3 => State::Taken,
            4 => State::Settling,
            5 => State::Settled,
            6 => State::Left,
            _ => State::Free,
        };
        (state, (word >> 8) as u32)
    }

    /// Moves from one state to another; false if somebody else was first.
    #[must_use]
    pub(crate) fn shift(&self, generation: u32, from: State, to: State) -> bool {
        // AcqRel: hands `spec` from the last owner to the next (rule 1).
        self.state
            .compare_exchange(
                word(generation, from),
                word(generation, to),
                Ordering::AcqRel,
                Ordering::Relaxed,
            )
            .is_ok()
    }

    /// Frees the cell: the next task gets a new generation. The caller is the last to know the task. False if the cell has
    /// had its `last` generation: it must not be used again.
    pub(crate) fn free(&self, last: u32) -> (Spec, bool) {
        let (state, generation) = self.state();
        debug_assert_ne!(state, State::Free, "a task is freed once");
        // SAFETY: rule 1: the holder and the settler have let go.
        let spec = self.spec.with_mut(|spec| unsafe { std::mem::take(&mut *spec) });
        if self.has(HAS_CHILDREN) {
            *self.children.lock() = None;
        }
        let again = generation < last;
        let next = generation + u32::from(again);
        self.state.store(word(next, State::Free), Ordering::Release);
        (spec, again)
    }

    /// Puts a task into a cell that the caller has just taken from the slab.
    pub(crate) fn place(&self, spec: Spec, state: State) {
        let (_, generation) = self.state();
        self.flags.store(0, Ordering::Relaxed);
        self.retries.store(0, Ordering::Relaxed);
        self.deaths.store(0, Ordering::Relaxed);
        self.yielded.store(0, Ordering::Relaxed);
        self.port.store(NONE, Ordering::Relaxed);
        // SAFETY: rule 1: nobody knows the task yet.
        self.spec.with_mut(|cell| unsafe { *cell = spec });
        self.state.store(word(generation, state), Ordering::Release);
    }

    /// What the task is.
    ///
    /// # Safety
    /// The caller is the holder, or has moved the task to `Settling` and not let go of it (rule 1).
    pub(crate) unsafe fn spec(&self) -> &Spec {
        // SAFETY: as the caller promises.
        self.spec.with(|spec| unsafe { &*spec })
    }

    /// The task of `generation` in this cell has submitted another; `is_over` says which of its earlier ones have ended.
    pub(crate) fn add_child(&self, generation: u32, child: TaskId, is_over: impl Fn(TaskId) -> bool) {
        let mut children = self.children.lock();
        let (state, now) = self.state();
        if state == State::Free || now != generation {
            return;
        }
        self.set(HAS_CHILDREN, true);
        let list = children.get_or_insert_with(|| {
            Box::new(Children {
                generation,
                ids: PrunedVec::default(),
            })
        });
        if list.generation != generation {
            // Left by a task that was freed while another thread submitted in its name.
            list.generation = generation;
            list.ids.take();
        }
        list.ids.push(child, |ids| ids.retain(|&id| !is_over(id)));
    }

    /// The tasks that the task of `generation` has submitted, some of which may have ended.
    pub(crate) fn children(&self, generation: u32) -> Vec<TaskId> {
        if !self.has(HAS_CHILDREN) {
            return Vec::new();
        }
        let children = self.children.lock();
        children
            .as_ref()
            .filter(|children| children.generation == generation)
            .map_or_else(Vec::new, |children| children.ids.entries().to_vec())
    }

    pub(crate) fn has(&self, flag: u32) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    /// Sets or clears a flag; true if it was set before.
    pub(crate) fn set(&self, flag: u32, on: bool) -> bool {
        let before = if on {
            self.flags.fetch_or(flag, Ordering::Relaxed)
        } else {
            self.flags.fetch_and(!flag, Ordering::Relaxed)
        };
        before & flag != 0
    }

    /// 1 for the first attempt.
    pub(crate) fn attempt(&self) -> u32 {
        self.retries.load(Ordering::Relaxed).saturating_add(1)
    }

    /// Attempts that count: those that it did not lose to another task.
    pub(crate) fn tries(&self) -> u32 {
        self.attempt()
            .saturating_sub(self.deaths.load(Ordering::Relaxed) >> 16)
    }

    /// This attempt ended with its thread through another's fault.
    pub(crate) fn excuse(&self) {
        let deaths = self.deaths.load(Ordering::Relaxed);
        if deaths >> 16 < 0xffff {
            self.deaths.store(deaths + (1 << 16), Ordering::Relaxed);
        }
    }

    /// This attempt ended its thread; gives how many have.
    pub(crate) fn blame(&self) -> u32 {
        let deaths = self.deaths.load(Ordering::Relaxed);
        let kills = (deaths & 0xffff).saturating_add(1).min(0xffff);
        self.deaths.store(deaths & !0xffff | kills, Ordering::Relaxed);
        kills
    }
}
