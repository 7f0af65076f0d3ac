//! Drives a node as a thread's JavaScript does.

mod memory;
mod news;
mod thread;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use mobula_sched::{
    Bell, Buffer, BufferStore, Clock, Demand, GENERATIONS, Node, NodeConfig, PortKind, TemplateSpec, UNIT,
};
use mobula_sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use mobula_sync::{Condvar, Mutex};

pub(crate) use news::{Missing, News, Status, TaskNews, Value, value};
pub(crate) use thread::{Call, ERROR, FAILED, LOST, OK, RETRY, Thread, UNBEGUN};

/// The largest inbox that a thread of a test gets.
pub(crate) const MAX_INBOX_OF_TESTS: usize = 1 << 22;

/// Counts references to buffers, and panics when there are fewer than none.
#[derive(Debug, Default)]
pub(crate) struct Buffers(Mutex<HashMap<u32, u32>>, Mutex<HashSet<u32>>, AtomicI64);

impl Buffers {
    /// A buffer with one reference, which whoever writes it into a value hands over.
    pub(crate) fn make(&self, id: u32) -> Buffer {
        let buffer = Buffer { id, len: 1 << 20 };
        self.retain(buffer);
        self.1.lock().insert(id);
        buffer
    }

    pub(crate) fn count(&self, id: u32) -> u32 {
        self.0.lock().get(&id).copied().unwrap_or(0)
    }
}

/// Bytes of the store that buffers are in.
pub(crate) const CAPACITY: u64 = 4_000_000;

impl BufferStore for Buffers {
    fn adopt(&self, buffer: Buffer, _port: u16) -> bool {
        self.1.lock().remove(&buffer.id)
    }

    fn retain(&self, buffer: Buffer) {
        *self.0.lock().entry(buffer.id).or_insert(0) += 1;
    }

    fn release(&self, buffer: Buffer) {
        let mut counts = self.0.lock();
        let count = counts.get_mut(&buffer.id).expect("a buffer with references");
        *count -= 1;
        if *count == 0 {
            counts.remove(&buffer.id);
        }
    }

    fn count_small(&self, change: i64) {
        self.2.fetch_add(change, Ordering::Relaxed);
    }

    fn capacity(&self) -> u64 {
        CAPACITY
    }

    fn is_tight(&self) -> bool {
        false
    }
}

/// Time that goes on when the test says so, or by itself.
#[derive(Debug)]
enum TestClock {
    Still(AtomicU64),
    Real(Instant),
}

impl Clock for TestClock {
    fn now(&self) -> u64 {
        match self {
            Self::Still(now) => now.load(Ordering::Relaxed),
            Self::Real(start) => start.elapsed().as_nanos() as u64,
        }
    }
}

/// Counts rings, and wakes who waits for one.
#[derive(Debug, Default)]
pub(crate) struct Rings {
    count: AtomicU32,
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Rings {
    pub(crate) fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// Sleeps until it is rung, once for any number of rings.
    #[cfg(shuttle)]
    pub(crate) fn wait(&self) {
        let mut rung = self.rung.lock();
        while !std::mem::take(&mut *rung) {
            rung = self.changed.wait(rung);
        }
    }
}

impl Bell for Rings {
    fn ring(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
        *self.rung.lock() = true;
        self.changed.notify_all();
    }
}

/// A node, its surroundings, and what it started with.
#[derive(Debug, Clone)]
pub(crate) struct Bed {
    pub(crate) node: Arc<Node>,
    pub(crate) buffers: Arc<Buffers>,
    clock: Arc<TestClock>,
    watchdog: Arc<Rings>,
    total: Vec<i64>,
}

/// A template of tasks that other nodes run, found by `ask`.
pub(crate) fn elsewhere(ask: &[u8]) -> TemplateSpec {
    TemplateSpec {
        forward: Some(Arc::from(ask)),
        ..plain()
    }
}

/// A template of tasks that ask for one CPU.
pub(crate) fn plain() -> TemplateSpec {
    TemplateSpec {
        name: Arc::from("plain"),
        priority: 0,
        demand: Demand {
            cpu: UNIT,
            others: Vec::new(),
        },
        max_retries: 0,
        max_kills: u32::MAX,
        timeout_ms: 0,
        max_restarts: 0,
        max_concurrency: 1,
        own_thread: false,
        detached: false,
        job: 0,
        forward: None,
        keeps: false,
    }
}

/// A template of a job's tasks of one CPU that this node runs, and other nodes may. Nothing but the job tells two of them apart.
pub(crate) fn anywhere(job: u32) -> TemplateSpec {
    TemplateSpec {
        job,
        forward: Some(Arc::from(&b"anywhere"[..])),
        keeps: true,
        ..plain()
    }
}

impl Bed {
    /// A node with so many CPUs and `others`, and a clock that stands still.
    pub(crate) fn new(cpus: i64, others: &[i64]) -> Self {
        Self::with_clock(cpus, others, TestClock::Still(AtomicU64::new(0)), GENERATIONS)
    }

    /// The same, and cells that are used up after so many tasks or objects.
    pub(crate) fn of_few_generations(generations: u32) -> Self {
        let clock = TestClock::Still(AtomicU64::new(0));
        Self::with_clock(1, &[], clock, generations)
    }

    /// The same with a clock that runs.
    pub(crate) fn in_real_time(cpus: i64, others: &[i64]) -> Self {
        Self::with_clock(cpus, others, TestClock::Real(Instant::now()), GENERATIONS)
    }

    fn with_clock(cpus: i64, others: &[i64], clock: TestClock, generations: u32) -> Self {
        let buffers = Arc::new(Buffers::default());
        let clock = Arc::new(clock);
        let config = NodeConfig {
            cpu: cpus * UNIT,
            others: others.iter().map(|amount| amount * UNIT).collect(),
            shared_hosts: 1,
            generations,
            max_inbox: MAX_INBOX_OF_TESTS,
            store: Arc::clone(&buffers) as _,
            clock: Arc::clone(&clock) as _,
        };
        let node = Arc::new(Node::new(config));
        let watchdog = Arc::new(Rings::default());
        node.set_watchdog(Some(Arc::clone(&watchdog) as _));
        let total = node.free_resources();
        Self {
            node,
            buffers,
            clock,
            watchdog,
            total,
        }
    }

    pub(crate) fn advance(&self, nanoseconds: u64) {
        if let TestClock::Still(now) = &*self.clock {
            now.fetch_add(nanoseconds, Ordering::Relaxed);
        }
    }

    /// How often the watchdog was woken.
    pub(crate) fn watchdog_rings(&self) -> u32 {
        self.watchdog.count()
    }

    /// The watchdog finds nothing to look after, twice, and sleeps until it is rung.
    pub(crate) fn watchdog_sleeps(&self) {
        let _ = self.node.tick();
        assert_eq!(self.node.tick(), None, "nothing to look after");
    }

    /// Long enough for the watchdog to look at a batch.
    pub(crate) fn tick_later(&self) -> bool {
        self.advance(2_000_000);
        self.node.tick().is_some()
    }

    pub(crate) fn template(&self, spec: TemplateSpec) -> u32 {
        self.node
            .add_template(0, None, spec, b"meta", None, None)
            .expect("nothing to check")
            .expect("few templates")
    }

    pub(crate) fn driver(&self) -> Thread {
        Thread::attach(self, PortKind::Driver, None)
    }

    pub(crate) fn worker(&self) -> Thread {
        Thread::attach(self, PortKind::Worker, None)
    }

    /// A thread that runs tasks of `job`.
    pub(crate) fn worker_of(&self, job: u32) -> Thread {
        Thread::attach(self, PortKind::Worker, Some(job))
    }

    pub(crate) fn agent(&self) -> Thread {
        Thread::attach(self, PortKind::Agent, None)
    }

    pub(crate) fn host(&self, host: u32) -> Thread {
        Thread::attach(self, PortKind::Host, Some(host))
    }

    /// Fails unless the node is as it was at the start, apart from `objects` that are still held.
    pub(crate) fn assert_balanced(&self, objects: usize) {
        assert_eq!(self.node.live_tasks(), 0, "tasks that are not settled");
        assert_eq!(self.node.tasks_in_use(), 0, "cells of tasks");
        assert_eq!(self.node.free_resources(), self.total, "resources");
        assert_eq!(self.node.objects_in_use(), objects, "objects");
        if objects == 0 {
            let small = self.buffers.2.load(Ordering::Relaxed);
            assert_eq!(small, 0, "bytes of values on the heap");
        }
        assert!(
            self.buffers.1.lock().is_empty(),
            "buffers that no value has adopted"
        );
    }
}
