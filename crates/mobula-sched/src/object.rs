use mobula_queue::{NodePool, WaiterWord};
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicU32, AtomicU64, Ordering};
use mobula_sync::cell::UnsafeCell;

use crate::payload::Payload;
use crate::slab::{IndexCache, Slab};

/// How an object turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub(crate) enum Status {
    /// A value.
    #[default]
    Value = 0,
    /// What user code threw, encoded by the worker.
    UserError = 1,
    /// An error of the system's, encoded by [`crate::failure`].
    SystemError = 2,
    /// What user code threw, where its function asks for another attempt: of tasks that another node has submitted.
    RetryAsked = 3,
    /// A value that lies at another node, or in another object (`away.rs`).
    Away = 4,
}

/// Nobody: no port, no task, no actor.
pub(crate) const NONE: u32 = u32::MAX;

/// What is named as the producer of an object that is put.
pub(crate) const PUT: u64 = 1;
/// Of an object that holds code that threads may have loaded; set before it is put.
pub(crate) const CODE: u64 = 2;
/// Of an object that stands for a registration; the low half is the template.
const REGISTRATION: u64 = 1 << 62;

/// What the end of an object is the end of, too.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Producer {
    /// A registration of this template.
    Registration(u32),
    /// Code that threads may have loaded.
    Code,
    /// Nothing else.
    Other,
}

/// An object: not there yet, or there for good.
///
/// 1. `outcome` is written once, by whoever settles the object, before `waiters` becomes done; it is
///    read only by those who saw done.
/// 2. The cell is freed when `refs` falls to 0. Whoever may still settle it holds a reference, so a
///    freed object has no waiters.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) waiters: WaiterWord,
    /// Handles, arguments, values that contain the ref, and the task that makes the object.
    pub(crate) refs: AtomicU32,
    /// Counts the objects that have lived in this cell.
    pub(crate) generation: AtomicU32,
    /// The port that holds the first handle, or `NONE` once that handle is gone.
    pub(crate) owner: AtomicU32,
    /// The actor whose life this object stands for, or `NONE`.
    pub(crate) actor: AtomicU32,
    /// The task that makes the object, packed; 0 if none does, else [`PUT`], [`CODE`], both, or a registration.
    pub(crate) producer: AtomicU64,
    outcome: UnsafeCell<(Status, Payload)>,
}

impl Default for Object {
    fn default() -> Self {
        Self {
            waiters: WaiterWord::default(),
            refs: AtomicU32::new(0),
            generation: AtomicU32::new(0),
            owner: AtomicU32::new(NONE),
            actor: AtomicU32::new(NONE),
            producer: AtomicU64::new(0),
            outcome: UnsafeCell::default(),
        }
    }
}

// SAFETY: `outcome` is the only part that is not Sync by itself; rule 1 keeps its accesses apart.
unsafe impl Sync for Object {}

impl Object {
    /// Writes the outcome. The caller settles the object, once, and then completes `waiters`.
    pub(crate) fn write(&self, status: Status, payload: Payload) {
        // SAFETY: rule 1: nobody reads before `waiters` is done, and only one settles.
        self.outcome
            .with_mut(|outcome| unsafe { *outcome = (status, payload) });
    }

    /// The outcome of an object that is done.
    pub(crate) fn outcome(&self) -> &(Status, Payload) {
        debug_assert!(self.waiters.is_done(), "only a settled object has an outcome");
        // SAFETY: rule 1: done is final while the caller holds a reference.
        self.outcome.with(|outcome| unsafe { &*outcome })
    }

    /// The object stands for a registration of a template from now on. It is fresh, and nothing settles it.
    pub(crate) fn stand_for(&self, template: u32) {
        self.producer
            .store(REGISTRATION | u64::from(template), Ordering::Relaxed);
    }

    /// Whether the object stands for a registration, or holds code.
    #[inline]
    pub(crate) fn kind(&self) -> Producer {
        match self.producer.load(Ordering::Relaxed) {
            0 | PUT => Producer::Other,
            word if word >> 63 == 1 => Producer::Other,
            word if word & REGISTRATION != 0 => Producer::Registration(word as u32),
            _ => Producer::Code,
        }
    }

    /// Empties the cell for its next object and gives back what the last one held. False if the cell has had its `last`
    /// generation: it must not be used again.
    pub(crate) fn clear(&self, last: u32) -> (Status, Payload, bool) {
        self.waiters.reset();
        let generation = self.generation.load(Ordering::Relaxed);
        let again = generation < last;
        self.generation
            .store(generation + u32::from(again), Ordering::Relaxed);
        self.actor.store(NONE, Ordering::Relaxed);
        self.producer.store(0, Ordering::Relaxed);
        // SAFETY: rule 2: nobody has a reference, so nobody reads.
        let (status, payload) = self
            .outcome
            .with_mut(|outcome| unsafe { std::mem::take(&mut *outcome) });
        (status, payload, again)
    }

    /// Counts one more reference. The caller holds one or knows of one.
    pub(crate) fn retain(&self) {
        // Relaxed: a reference is made from a reference.
        self.refs.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one reference less; true for the last.
    #[must_use]
    pub(crate) fn release(&self) -> bool {
        // AcqRel: whoever frees the cell sees all uses of the others.
        let before = self.refs.fetch_sub(1, Ordering::AcqRel);
        debug_assert_ne!(before, 0, "as many releases as references");
        before == 1
    }

    /// Counts one more reference unless the object is gone.
    pub(crate) fn try_retain(&self) -> bool {
        // Acquire: pairs with the Release in `take_object`.
        self.refs
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |refs| {
                (refs > 0).then_some(refs + 1)
            })
            .is_ok()
    }
}

/// List nodes of waiter words.
#[derive(Debug)]
pub(crate) struct WaiterNodes {
    nodes: Slab<Node>,
    cache: Mutex<IndexCache>,
}

#[derive(Debug, Default)]
struct Node {
    waiter: AtomicU64,
    next: AtomicU64,
}

impl WaiterNodes {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Slab::new(),
            cache: Mutex::default(),
        }
    }
}

impl NodePool for WaiterNodes {
    fn put(&self, waiter: u64, next: u64) -> u32 {
        let index = self.nodes.take(&mut self.cache.lock());
        let node = self.nodes.get(index);
        // Relaxed: the waiter word's Release publishes the node.
        node.waiter.store(waiter, Ordering::Relaxed);
        node.next.store(next, Ordering::Relaxed);
        index
    }

    fn take(&self, index: u32) -> (u64, u64) {
        let node = self.nodes.get(index);
        let content = (
            node.waiter.load(Ordering::Relaxed),
            node.next.load(Ordering::Relaxed),
        );
        self.nodes.give(&mut self.cache.lock(), index);
        content
    }
}
