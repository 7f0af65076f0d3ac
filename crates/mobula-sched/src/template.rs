use std::ops::Deref;
use std::ptr;
use std::sync::Arc;

use mobula_sync::atomic::{AtomicU32, Ordering};

use crate::cost::Cost;
use crate::crew::Crew;
use crate::object::NONE;
use crate::resources::Demand;
use crate::templates::Group;

/// What all calls of one remote function with one set of options have in common.
#[derive(Debug)]
pub struct TemplateSpec {
    /// What errors call a task of it.
    pub name: Arc<str>,
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
    /// The job of another process that its tasks belong to; 0: that of the thread that registers it.
    pub job: u32,
    /// What an agent finds a node by for tasks that this node does not keep: it lacks what they ask for, or another was named.
    pub forward: Option<Arc<[u8]>>,
    /// Whether this node keeps them all the same, and only offers them to others while they wait here for long.
    pub keeps: bool,
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
    /// Its name in records; no other template ever has it.
    pub(crate) number: u32,
    pub(crate) spec: TemplateSpec,
    /// `spec.demand`, for the lanes that tasks with the same one share.
    pub(crate) demand: Arc<Demand>,
    /// The crew that runs its tasks; nothing for that of the process's own program.
    pub(crate) crew: Option<Arc<Crew>>,
    /// Whether its tasks ask for one CPU, and nothing else: they go through a lock-free queue.
    pub(crate) simple: bool,
    /// Whether that is the queue of the process's own program.
    pub(crate) plain: bool,
    /// What other threads are told of it.
    pub(crate) meta: Box<[u8]>,
    /// The object that holds its code, to which it has a reference; else `NONE`.
    pub(crate) code: u32,
    pub(crate) group: Arc<Group>,
    /// Average nanoseconds of an attempt; 0 = not known yet. Written by workers, roughly.
    average: AtomicU32,
    /// At a node of a cluster, what an attempt costs it.
    pub(crate) cost: Cost,
    /// How often in a row the code could not be loaded. Threads that tried at the same time count once.
    failed_loads: AtomicU32,
}

impl Template {
    pub(crate) fn new(
        number: u32,
        spec: TemplateSpec,
        meta: &[u8],
        code: Option<u32>,
        group: Arc<Group>,
        crew: Option<Arc<Crew>>,
    ) -> Self {
        let simple = spec.priority == 0 && spec.demand.is_one_cpu();
        let plain = simple && crew.is_none() && (spec.forward.is_none() || spec.keeps);
        let demand = Arc::new(spec.demand.clone());
        Self {
            number,
            spec,
            demand,
            crew,
            simple,
            plain,
            meta: meta.into(),
            code: code.unwrap_or(NONE),
            group,
            average: AtomicU32::new(0),
            cost: Cost::default(),
            failed_loads: AtomicU32::new(0),
        }
    }

    /// Whether another node is to run its tasks.
    pub(crate) fn is_forwarded(&self) -> bool {
        self.spec.forward.is_some() && !self.spec.keeps
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

    /// How often in a row the code could not be loaded.
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

/// A counted use of a template, by a task or an actor: the template lives as long as this value does.
///
/// It costs no atomic operation of its own: a visit makes it (`Turn::use_template`, `Turn::use_again`), takes it back
/// (`Turn::unuse`), and counts what it has made and taken back in one go at its end. Dropping it instead keeps the template for
/// ever, and is no more than that. Templates lie in an `Arc`, which the table holds while their group has not ended.
#[derive(Debug, Default)]
pub(crate) struct Use(Pointer);

/// Where a template lies; null for none, as cells without a task have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pointer(*const Template);

impl Default for Pointer {
    fn default() -> Self {
        Self(ptr::null())
    }
}

impl Pointer {
    pub(crate) fn of(template: &Arc<Template>) -> Self {
        Self(Arc::as_ptr(template))
    }

    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The group of the template there.
    ///
    /// # Safety
    /// The template is in the table.
    pub(crate) unsafe fn group(self) -> Arc<Group> {
        // SAFETY: as the caller promises.
        Arc::clone(unsafe { &(*self.0).group })
    }
}

// SAFETY: it is a shared reference to a template, which is Sync.
unsafe impl Send for Pointer {}
// SAFETY: as above.
unsafe impl Sync for Pointer {}

impl Use {
    /// # Safety
    /// The caller counts it: it has a hold of the template's group until it has counted one more use.
    pub(crate) unsafe fn counted(template: Pointer) -> Self {
        Self(template)
    }

    /// Where the template of a use is that the caller counts down.
    pub(crate) fn give_up(self) -> Pointer {
        let Self(template) = self;
        template
    }

    /// Where the template is.
    pub(crate) fn pointer(&self) -> Pointer {
        self.0
    }

    /// The template's memory for longer than the use.
    pub(crate) fn share(&self) -> Arc<Template> {
        let template: *const Template = &raw const **self;
        // SAFETY: it lies in an `Arc`, which this use keeps.
        unsafe {
            Arc::increment_strong_count(template);
            Arc::from_raw(template)
        }
    }

    /// The template; nothing for the use of none.
    pub(crate) fn get(&self) -> Option<&Template> {
        // SAFETY: while the use is counted, the group has not ended, and the table holds the template.
        unsafe { self.0.0.as_ref() }
    }

    /// What errors call the task or actor; empty for none.
    pub(crate) fn name(&self) -> Arc<str> {
        self.get()
            .map_or_else(|| Arc::from(""), |template| Arc::clone(&template.spec.name))
    }
}

impl Deref for Use {
    type Target = Template;

    #[inline]
    fn deref(&self) -> &Template {
        self.get().expect("a task or an actor has a template")
    }
}
