//! What waits for resources for long: threads are asked to drop what nobody uses, and the main thread is told.

use std::sync::Arc;

use mobula_sync::Mutex;
use mobula_sync::atomic::Ordering;
use rustc_hash::FxHashMap;

use crate::node::Node;
use crate::object::NONE;
use crate::port::{Event, PortKind};
use crate::reason::Reason;
use crate::resources::{Demand, UNIT};

/// How often what waits is looked at.
const LOOK_NANOSECONDS: u64 = 100_000_000;
/// A thread collects garbage for those who wait at most this often, and less often while nothing comes of it.
const COLLECT_NANOSECONDS: u64 = 10_000_000_000;
/// The factor by which it may be less often.
const MOST_PATIENCE: u64 = 32;
/// What has waited for so long is told of.
const SLOW_NANOSECONDS: u64 = 5_000_000_000;

/// Something that waits for resources. It is another once the first of its queue is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Queue {
    /// Tasks that need one CPU, while no thread has any to run.
    Plain { job: u32 },
    /// Tasks of one priority that ask for the same; the first of them.
    Special { first: u32 },
    /// Actors that ask for the same; the number of the first.
    Actors { number: u64 },
}

#[derive(Debug)]
struct Seen {
    since: u64,
    told: bool,
}

/// What was seen to wait.
#[derive(Debug, Default)]
pub(crate) struct Starving(Mutex<Looks>);

#[derive(Debug, Default)]
struct Looks {
    next: u64,
    queues: FxHashMap<Queue, Seen>,
    /// When threads were last asked to collect, how many actors held resources then, and how much longer than usual the
    /// next time is away.
    asked: Option<u64>,
    holding: u32,
    patience: u64,
}

/// What waits, what it is called, what it asks for, and how many are there.
type Line = (Queue, Arc<str>, Arc<Demand>, u32);

impl Node {
    /// Looks at what waits for resources. If anything does, gives after how many nanoseconds it is to be looked at again.
    /// `busy`: some thread has a batch.
    pub fn look_at_waits(&self, busy: bool) -> Option<u64> {
        let waits = self.unplaced_count.load(Ordering::Relaxed) > 0
            || self.any_crew(|crew| crew.lanes.len() + crew.sorted.len() > 0 || self.has_local(crew.job));
        let mut looks = self.starving.0.lock();
        if !waits {
            looks.queues.clear();
            return None;
        }
        let now = self.clock.now();
        if now < looks.next {
            return Some(looks.next - now);
        }
        looks.next = now + LOOK_NANOSECONDS;
        let lines = self.starving_lines(busy);
        looks
            .queues
            .retain(|queue, _| lines.iter().any(|line| line.0 == *queue));
        for (queue, ..) in &lines {
            let new = Seen {
                since: now,
                told: false,
            };
            looks.queues.entry(*queue).or_insert(new);
        }
        if !lines.is_empty() {
            self.collect_for_those_who_wait(&mut looks, now);
        }
        let slow = |seen: &Seen| !seen.told && now.saturating_sub(seen.since) >= SLOW_NANOSECONDS;
        if looks.queues.values().any(slow) {
            for seen in looks.queues.values_mut() {
                seen.told |= now.saturating_sub(seen.since) >= SLOW_NANOSECONDS;
            }
            drop(looks);
            let main = self.main_port.load(Ordering::Acquire);
            if main != NONE {
                self.port(main as u16).post(&mut vec![Event::SlowWaits]);
            }
        }
        Some(LOOK_NANOSECONDS)
    }

    /// Why what has waited for long does so: one reason for each queue.
    #[must_use]
    pub fn slow_waits(&self) -> Vec<Reason> {
        let told: Vec<Queue> = {
            let looks = self.starving.0.lock();
            let told = looks.queues.iter().filter(|(_, seen)| seen.told);
            told.map(|(queue, _)| *queue).collect()
        };
        self.still(|still| {
            let lines = self.starving_lines(false);
            let slow = lines.into_iter().filter(|line| told.contains(&line.0));
            slow.map(|(_, name, demand, count)| still.lack(name, &demand, count))
                .collect()
        })
    }

    fn starving_lines(&self, busy: bool) -> Vec<Line> {
        let mut lines = Vec::new();
        self.any_crew(|crew| {
            if !busy && self.has_plain(crew) && !self.resources.has_cpu(crew.has_reserved()) {
                let demand = Demand {
                    cpu: UNIT,
                    others: Vec::new(),
                };
                let count = (crew.lanes.plain.len() + crew.sorted.len()) as u32;
                let queue = Queue::Plain { job: crew.job };
                lines.push((queue, Arc::from(""), Arc::new(demand), count));
            }
            // SAFETY: the lane holds the task, and its lock is held.
            let name_of = |task| unsafe { self.tasks.get(task).spec() }.template.name();
            for (first, name, demand, count) in crew.lanes.waiting(name_of) {
                if !self.resources.has(&demand, false) {
                    lines.push((Queue::Special { first }, name, demand, count));
                }
            }
            false
        });
        if self.unplaced_count.load(Ordering::Relaxed) > 0 {
            let unplaced = self.unplaced.lock();
            for (demand, number, actor, count) in unplaced.lines() {
                if !self.resources.has(demand, false) {
                    let name = self.look_at_actor(actor, NONE).name;
                    lines.push((Queue::Actors { number }, name, Arc::new(demand.clone()), count));
                }
            }
        }
        lines
    }

    /// Actors that nobody refers to any more hold what others wait for until their handles are collected. Threads are asked
    /// to do so, each at most once in ten seconds.
    fn collect_for_those_who_wait(&self, looks: &mut Looks, now: u64) {
        let holding = self.actors_holding.load(Ordering::Relaxed);
        if holding == 0 {
            return;
        }
        let patience = looks.patience.clamp(1, MOST_PATIENCE);
        if looks
            .asked
            .is_some_and(|asked| now < asked + COLLECT_NANOSECONDS * patience)
        {
            // Some were dropped since: the next time is as soon as may be.
            if holding < looks.holding {
                looks.patience = 1;
            }
            looks.holding = holding;
            return;
        }
        looks.patience = if looks.asked.is_none() { 1 } else { patience * 2 };
        looks.asked = Some(now);
        looks.holding = holding;
        for port in self.all_ports() {
            // A thread without handles has nothing to drop. One that is in the core just now may have some.
            let may = |inner: &crate::port::Inner| {
                inner.open
                    && (inner.kind == PortKind::Driver
                        || !inner.borrowed.is_empty()
                        || !inner.owned.entries().is_empty())
            };
            if port.inner.try_lock().is_none_or(|inner| may(&inner)) {
                port.ask_to_collect();
            }
        }
    }
}
