//! Sleeping and waking: nobody sleeps beside work without having been rung.

use std::sync::Arc;

use loom::thread;
use mobula_queue::{Doorbell, IdleList};
use mobula_sync::atomic::{AtomicU32, Ordering};

#[test]
fn a_consumer_never_sleeps_beside_work_without_having_been_rung() {
    loom::model(|| {
        let shared = Arc::new((Doorbell::default(), AtomicU32::new(0)));
        let other = Arc::clone(&shared);
        let producer = thread::spawn(move || {
            let (bell, work) = &*other;
            work.store(1, Ordering::Relaxed);
            bell.ring()
        });
        let (bell, work) = &*shared;
        let asleep = bell.sleep_unless(|| work.load(Ordering::Relaxed) > 0);
        let rung = producer.join().unwrap();
        assert!(!asleep || rung, "asleep beside work");
    });
}

#[test]
fn of_two_producers_at_most_one_is_told_to_ring_for_one_sleep() {
    loom::model(|| {
        let shared = Arc::new((Doorbell::default(), AtomicU32::new(0)));
        let producers: Vec<_> = (0..2)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    shared.1.fetch_add(1, Ordering::Relaxed);
                    shared.0.ring()
                })
            })
            .collect();
        let (bell, work) = &*shared;
        let asleep = bell.sleep_unless(|| work.load(Ordering::Relaxed) > 0);
        let rings: u32 = producers
            .into_iter()
            .map(|ring| u32::from(ring.join().unwrap()))
            .sum();
        assert!(rings <= 1, "{rings} rings for one sleep");
        assert!(!asleep || rings == 1, "asleep beside work");
    });
}

#[test]
fn a_consumer_that_was_rung_and_sleeps_again_is_rung_again() {
    loom::model(|| {
        let shared = Arc::new((Doorbell::default(), AtomicU32::new(0)));
        assert!(shared.0.sleep_unless(|| false));
        let other = Arc::clone(&shared);
        let producer = thread::spawn(move || {
            other.1.store(1, Ordering::Relaxed);
            other.0.ring()
        });
        // It is up for another reason, finds nothing and lies down again.
        let (bell, work) = &*shared;
        bell.awake();
        let asleep = bell.sleep_unless(|| work.load(Ordering::Relaxed) > 0);
        let rung = producer.join().unwrap();
        assert!(!asleep || rung, "asleep beside work");
    });
}

/// Workers and the work they share, as in the scheduler.
#[derive(Debug)]
struct Floor {
    idle: IdleList,
    work: AtomicU32,
    bells: [Doorbell; 2],
    /// By worker: how often its event loop was woken.
    rings: [AtomicU32; 2],
}

impl Floor {
    fn new() -> Self {
        Self {
            idle: IdleList::new(2),
            work: AtomicU32::new(0),
            bells: Default::default(),
            rings: [AtomicU32::new(0), AtomicU32::new(0)],
        }
    }

    /// `Turn::pass_on`: queues a task and wakes a worker.
    fn submit(&self) {
        self.work.fetch_add(1, Ordering::Relaxed);
        self.idle.wake(|worker| {
            let rings = self.bells[usize::from(worker)].ring();
            if rings {
                self.rings[usize::from(worker)].fetch_add(1, Ordering::Relaxed);
            }
            rings
        });
    }

    fn take(&self) -> bool {
        self.work
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |work| work.checked_sub(1))
            .is_ok()
    }

    fn has_work(&self) -> bool {
        self.work.load(Ordering::Relaxed) > 0
    }

    /// `Node::step` of a worker: true if it took a task, false if it sleeps.
    fn step(&self, worker: u16, spin: bool) -> bool {
        let bell = &self.bells[usize::from(worker)];
        let mut spin = spin;
        loop {
            bell.awake();
            if self.take() {
                return true;
            }
            if spin && self.idle.look() {
                spin = false;
                let found = self.has_work();
                self.idle.looked();
                if found {
                    continue;
                }
            }
            self.idle.list(worker);
            if bell.sleep_unless(|| self.has_work() || !self.idle.is_listed(worker)) {
                return false;
            }
            thread::yield_now();
        }
    }

    /// A worker that sleeps, and was not rung, is found by the next producer; and there is no work left.
    fn check_asleep(&self, worker: u16) {
        if self.rings[usize::from(worker)].load(Ordering::Relaxed) > 0 {
            return;
        }
        assert!(!self.has_work(), "worker {worker} sleeps beside a task");
        assert!(
            self.idle.is_listed(worker),
            "worker {worker} sleeps and nobody knows"
        );
    }
}

#[test]
fn a_worker_that_looks_for_work_and_gives_up_does_not_miss_a_task() {
    loom::model(|| {
        let floor = Arc::new(Floor::new());
        let other = Arc::clone(&floor);
        let producer = thread::spawn(move || other.submit());
        let took = floor.step(0, true);
        producer.join().unwrap();
        if !took {
            floor.check_asleep(0);
        }
    });
}

#[test]
fn two_workers_and_a_producer_leave_no_task_beside_sleepers() {
    loom::model(|| {
        let floor = Arc::new(Floor::new());
        let workers: Vec<_> = (0..2)
            .map(|worker| {
                let floor = Arc::clone(&floor);
                thread::spawn(move || floor.step(worker, worker == 0))
            })
            .collect();
        floor.submit();
        let took: Vec<bool> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
        let rung: u32 = floor
            .rings
            .iter()
            .map(|rings| rings.load(Ordering::Relaxed))
            .sum();
        assert!(
            took.contains(&true) || rung == 1,
            "the task was taken, or its taker was rung"
        );
    });
}

#[test]
fn a_sleeping_worker_whose_task_another_takes_can_still_be_woken() {
    // 1. Worker 0 is listed, but awake: news woke it. 2. A producer takes it off the list while it lies
    // down again. 3. Worker 1 takes the task. 4. Worker 0 must not sleep unlisted.
    loom::model(|| {
        let floor = Arc::new(Floor::new());
        floor.idle.list(0);
        let other = Arc::clone(&floor);
        let producer = thread::spawn(move || {
            other.submit();
            other.take();
        });
        if !floor.step(0, false) && floor.rings[0].load(Ordering::Relaxed) == 0 {
            producer.join().unwrap();
            floor.check_asleep(0);
        } else {
            producer.join().unwrap();
        }
    });
}
