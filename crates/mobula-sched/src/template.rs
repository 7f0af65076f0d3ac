use std::sync::Arc;

use mobula_sync::atomic::{AtomicU32, Ordering};

use crate::resources::Demand;

/// What all calls of one remote function with one set of options have in common.
#[derive(Debug)]
pub struct TemplateSpec {
    /// Higher runs first among ready tasks.
    pub priority: i32,
    /// What one attempt holds while it runs.
    pub demand: Demand,
    /// Attempts after the first when the system fails; `u32::MAX` = without end.
    pub max_retries: u32,
    /// Threads that a task may end before it fails although it has retries left; `u32::MAX` = no limit.
    pub max_kills: u32,
    /// Milliseconds one attempt may take; 0 = no limit.
    pub timeout_ms: u32,
    /// For an actor class: restarts when its thread dies; `u32::MAX` = without end.
    pub max_restarts: u32,
    /// For an actor class: calls that may be in flight at once.
    pub max_concurrency: u32,
    /// For an actor class: whether it gets a thread to itself.
    pub own_thread: bool,
    /// For an actor class: whether it lives on when no handle is left.
    pub detached: bool,
}

/// A template and what the scheduler learned about it.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) spec: TemplateSpec,
    /// `spec.demand`, for the lanes that tasks with the same one share.
    pub(crate) demand: Arc<Demand>,
    /// Whether its tasks go through the lock-free queue.
    pub(crate) plain: bool,
    /// Average nanoseconds of an attempt; 0 = not known yet. Written by workers, roughly.
    average: AtomicU32,
    /// How often in a row the code could not be loaded. Threads that tried at the same time count once.
    failed_loads: AtomicU32,
}

impl Template {
    pub(crate) fn new(spec: TemplateSpec) -> Arc<Self> {
        let plain = spec.priority == 0 && spec.demand.is_one_cpu();
        let demand = Arc::new(spec.demand.clone());
        Arc::new(Self {
            spec,
            demand,
            plain,
            average: AtomicU32::new(0),
            failed_loads: AtomicU32::new(0),
        })
    }

    /// Exponential average of what one attempt takes, as the paper's scheduler keeps it.
    pub(crate) fn average(&self) -> Option<u32> {
        Some(self.average.load(Ordering::Relaxed)).filter(|&average| average > 0)
    }

    pub(crate) fn learn(&self, nanoseconds: u64) {
        let seen = nanoseconds.clamp(1, u64::from(u32::MAX) / 2) as u32;
        let next = self
            .average()
            .map_or(seen, |average| average.midpoint(seen).max(1));
        self.average.store(next, Ordering::Relaxed);
    }
    pub(crate) fn failed_loads(&self) -> u32 {
        self.failed_loads.load(Ordering::Relaxed)
    }

    /// A thread has loaded the code, or failed to. When it began, the loads before had failed `before` times in a row.
    pub(crate) fn load_ended(&self, loaded: bool, before: u32) {
        if loaded {
            self.failed_loads.store(0, Ordering::Relaxed);
        } else {
            // Another thread that tried at the same time may have counted already.
            let _ = self.failed_loads.compare_exchange(
                before,
                before.saturating_add(1),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    }
}
