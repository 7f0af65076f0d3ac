use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mobula_queue::ReadyQueue;
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicU32, Ordering};

use crate::resources::Resources;
use crate::template::Template;

/// Places of the lock-free part of the queue; more tasks than this wait in its overflow.
const PLAIN_CAPACITY: usize = if cfg!(shuttle) { 1 << 2 } else { 1 << 14 };

/// The ready tasks of a node.
///
/// Tasks that ask for one CPU and nothing else go through the lock-free queue. All others (priorities,
/// fractions, GPUs, custom resources) wait by priority and template, so that a template whose resources are
/// taken costs one look, however many of its tasks wait.
#[derive(Debug)]
pub(crate) struct Lanes {
    pub(crate) plain: ReadyQueue,
    special: Mutex<Special>,
    /// Tasks in `special`; written under its lock.
    special_len: AtomicU32,
    /// Alternates between the lanes when both have tasks of priority 0.
    turn: AtomicU32,
}

type Lane = (Arc<Template>, VecDeque<u32>);

#[derive(Debug, Default)]
struct Special {
    /// By priority, highest first, then by template.
    lanes: BTreeMap<(Reverse<i32>, u32), Lane>,
}

impl Lanes {
    pub(crate) fn new() -> Self {
        Self {
            plain: ReadyQueue::new(PLAIN_CAPACITY),
            special: Mutex::default(),
            special_len: AtomicU32::new(0),
            turn: AtomicU32::new(0),
        }
    }

    pub(crate) fn push_special(&self, template: u32, of: &Arc<Template>, task: u32) {
        let mut special = self.special.lock();
        let key = (Reverse(of.spec.priority), template);
        special
            .lanes
            .entry(key)
            .or_insert_with(|| (Arc::clone(of), VecDeque::new()))
            .1
            .push_back(task);
        self.special_len.fetch_add(1, Ordering::Release);
    }

    /// Takes a special task that needs at most `most_cpu` and whose resources are free, with its resources.
    pub(crate) fn pop_special(
        &self,
        least_priority: i32,
        most_cpu: i64,
        resources: &Resources,
    ) -> Option<u32> {
        if self.special_len.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut special = self.special.lock();
        let mut found = None;
        for (key, (template, tasks)) in &mut special.lanes {
            if key.0.0 < least_priority {
                break;
            }
            if template.spec.demand.cpu <= most_cpu && resources.try_take(&template.spec.demand) {
                found = tasks.pop_front().map(|task| (*key, task, tasks.is_empty()));
                break;
            }
        }
        let (key, task, emptied) = found?;
        if emptied {
            special.lanes.remove(&key);
        }
        self.special_len.fetch_sub(1, Ordering::Release);
        Some(task)
    }

    /// Whether priority-0 special tasks go before plain ones this time.
    pub(crate) fn special_first(&self) -> bool {
        self.turn.fetch_add(1, Ordering::Relaxed).is_multiple_of(2)
    }

    /// The templates of special tasks, each with its first task and how many there are.
    pub(crate) fn waiting(&self) -> Vec<(u32, u32, u32)> {
        if !self.any_special() {
            return Vec::new();
        }
        let special = self.special.lock();
        let lanes = special.lanes.iter();
        lanes
            .filter_map(|((_, template), (_, tasks))| Some((*template, *tasks.front()?, tasks.len() as u32)))
            .collect()
    }

    pub(crate) fn any_special(&self) -> bool {
        self.special_len.load(Ordering::Acquire) > 0
    }

    /// Whether there is a special task that needs at most `most_cpu` and whose resources are free.
    pub(crate) fn has_special(&self, resources: &Resources, most_cpu: i64) -> bool {
        let may = |template: &Template| {
            template.spec.demand.cpu <= most_cpu && resources.has(&template.spec.demand)
        };
        self.any_special()
            && self
                .special
                .lock()
                .lanes
                .values()
                .any(|(template, _)| may(template))
    }

    pub(crate) fn len(&self) -> usize {
        self.plain.len() + self.special_len.load(Ordering::Relaxed) as usize
    }
}
