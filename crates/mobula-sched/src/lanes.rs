use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mobula_queue::ReadyQueue;
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicU32, Ordering};

use crate::policy;
use crate::resources::{Demand, Resources};
use crate::template::Template;

/// Places of the lock-free part of the queue; more tasks than this wait in its overflow.
const PLAIN_CAPACITY: usize = if cfg!(shuttle) { 1 << 2 } else { 1 << 14 };

/// The ready tasks of a crew.
///
/// Tasks that ask for one CPU and nothing else go through the lock-free queue. All others (priorities,
/// fractions, GPUs, custom resources) wait by priority and by what they ask for, so that a resource that is
/// taken costs one look, however many tasks, and functions, wait for it.
#[derive(Debug)]
pub(crate) struct Lanes {
    pub(crate) plain: ReadyQueue,
    special: Mutex<Special>,
    /// Tasks in `special`; written under its lock.
    special_len: AtomicU32,
}

/// A lane by priority, highest first, then by the arrival of its oldest task.
type Place = (Reverse<i32>, u64);

/// Tasks of one priority that ask for the same, oldest first, each with the number of its arrival.
#[derive(Debug)]
struct Lane {
    demand: Arc<Demand>,
    tasks: VecDeque<(u64, u32)>,
    /// Whether a worker that looked since the last task was taken found what they ask for taken.
    denied: bool,
    /// Since when the watchdog has seen it denied.
    denied_since: Option<u64>,
}

#[derive(Debug, Default)]
struct Special {
    lanes: BTreeMap<Place, Lane>,
    /// Where the lane of a priority and a demand stands in `lanes`.
    places: BTreeMap<(i32, Arc<Demand>), Place>,
    arrived: u64,
    /// The lane for which CPU is reserved.
    reserved: Option<Place>,
}

impl Special {
    fn push(&mut self, priority: i32, demand: &Arc<Demand>, task: u32) {
        self.arrived += 1;
        let place = *self
            .places
            .entry((priority, Arc::clone(demand)))
            .or_insert((Reverse(priority), self.arrived));
        let lane = self.lanes.entry(place).or_insert_with(|| Lane {
            demand: Arc::clone(demand),
            tasks: VecDeque::new(),
            denied: false,
            denied_since: None,
        });
        lane.tasks.push_back((self.arrived, task));
    }

    /// Puts a lane whose oldest task has changed where it belongs now.
    fn put(&mut self, priority: Reverse<i32>, lane: Lane) {
        let name = (priority.0, Arc::clone(&lane.demand));
        if let Some(&(arrival, _)) = lane.tasks.front() {
            self.places.insert(name, (priority, arrival));
            self.lanes.insert((priority, arrival), lane);
        } else {
            self.places.remove(&name);
        }
    }
}

impl Lanes {
    pub(crate) fn new() -> Self {
        Self {
            plain: ReadyQueue::new(PLAIN_CAPACITY),
            special: Mutex::default(),
            special_len: AtomicU32::new(0),
        }
    }

    pub(crate) fn push_special(&self, of: &Template, task: u32) {
        let mut special = self.special.lock();
        special.push(of.spec.priority, &of.demand, task);
        self.special_len.fetch_add(1, Ordering::Release);
    }

    /// Takes the special tasks of one batch: of one priority, at least `least_priority`, with one demand, of at most
    /// `most_cpu`, that `take` got, which is told whether CPU is reserved for them; of those the one whose oldest task has waited longest. `fits`: whether the batch takes one
    /// more after this one.
    ///
    /// A batch of tasks that ask for CPU alone holds it once, as they run one after another; of other resources each task
    /// needs its own, and is alone.
    pub(crate) fn pop_special(
        &self,
        least_priority: i32,
        most_cpu: i64,
        mut take: impl FnMut(&Demand, bool) -> bool,
        mut fits: impl FnMut(u32) -> bool,
    ) -> Option<(Arc<Demand>, Vec<u32>)> {
        if !self.any_special() {
            return None;
        }
        let mut special = self.special.lock();
        let reserved = special.reserved;
        let mut urgent = special
            .lanes
            .iter_mut()
            .take_while(|((priority, _), _)| priority.0 >= least_priority);
        let place = urgent.find_map(|(&place, lane)| {
            let fits = lane.demand.cpu <= most_cpu;
            let taken = fits && take(&lane.demand, reserved == Some(place));
            lane.denied |= fits && !taken;
            taken.then_some(place)
        })?;
        let mut lane = special.lanes.remove(&place)?;
        lane.denied = false;
        lane.denied_since = None;
        let demand = Arc::clone(&lane.demand);
        let mut tasks = Vec::new();
        while let Some((_, task)) = lane.tasks.pop_front() {
            tasks.push(task);
            if !demand.others.is_empty() || !fits(task) {
                break;
            }
        }
        special.put(place.0, lane);
        self.special_len.fetch_sub(tasks.len() as u32, Ordering::Release);
        Some((demand, tasks))
    }

    /// The lanes of special tasks: the first task of each, what it is called, what it asks for, and how many there are.
    pub(crate) fn waiting(
        &self,
        name_of: impl Fn(u32) -> Arc<str>,
    ) -> Vec<(u32, Arc<str>, Arc<Demand>, u32)> {
        if !self.any_special() {
            return Vec::new();
        }
        let special = self.special.lock();
        let first = |lane: &Lane| {
            let task = lane.tasks.front()?.1;
            Some((
                task,
                name_of(task),
                Arc::clone(&lane.demand),
                lane.tasks.len() as u32,
            ))
        };
        special.lanes.values().filter_map(first).collect()
    }

    /// Takes a special task that is not to run.
    pub(crate) fn take_special(&self) -> Option<u32> {
        if !self.any_special() {
            return None;
        }
        let mut special = self.special.lock();
        let ((priority, _), mut lane) = special.lanes.pop_first()?;
        let (_, task) = lane.tasks.pop_front()?;
        special.put(priority, lane);
        self.special_len.fetch_sub(1, Ordering::Release);
        Some(task)
    }

    pub(crate) fn any_special(&self) -> bool {
        self.special_len.load(Ordering::Acquire) > 0
    }

    /// Whether there is a special task that needs at most `most_cpu` and whose resources are free.
    pub(crate) fn has_special(&self, resources: &Resources, most_cpu: i64) -> bool {
        if !self.any_special() {
            return false;
        }
        let special = self.special.lock();
        let mut lanes = special.lanes.iter();
        lanes.any(|(place, Lane { demand, .. })| {
            demand.cpu <= most_cpu && resources.has(demand, special.reserved == Some(*place))
        })
    }

    /// Chooses the lane for which CPU is reserved at `now`, and gives how much: one that plain tasks must not keep waiting,
    /// that has been denied for long, and that lacks nothing else.
    pub(crate) fn reserve(&self, now: u64, resources: &Resources) -> Option<i64> {
        if !self.any_special() {
            return None;
        }
        let mut special = self.special.lock();
        special.reserved = None;
        let Special { lanes, reserved, .. } = &mut *special;
        let mut urgent = lanes.iter_mut().take_while(|((priority, _), _)| priority.0 >= 0);
        let (place, cpu) = urgent.find_map(|(&place, lane)| {
            if lane.denied {
                lane.denied_since.get_or_insert(now);
            }
            let waits = lane
                .denied_since
                .is_some_and(|since| policy::reserves(now - since));
            let reserves = waits && lane.demand.cpu > 0 && resources.may_come_free(&lane.demand);
            reserves.then_some((place, lane.demand.cpu))
        })?;
        *reserved = Some(place);
        Some(cpu)
    }

    /// How many lanes of special tasks there are.
    pub(crate) fn special_lanes(&self) -> usize {
        self.special.lock().lanes.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.plain.len() + self.special_len.load(Ordering::Relaxed) as usize
    }
}
