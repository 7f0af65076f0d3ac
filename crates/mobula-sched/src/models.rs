//! Models of the states of tasks and objects, run in every interleaving that loom can think of: `npm run test:loom`.

use std::sync::Arc;

use loom::thread;
use mobula_queue::{Doorbell, IdleList, NodePool, ReadyQueue, Subscribed, Waiter};
use mobula_sync::atomic::{AtomicU32, Ordering};

use crate::object::{Object, Status};
use crate::payload::Payload;
use crate::resources::{Resources, UNIT};
use crate::task::{Spec, State, Task};

/// A task that is placed, with arguments that tell it was read.
fn task(state: State) -> Arc<Task> {
    let task = Task::default();
    let spec = Spec {
        result: 7,
        ..Spec::default()
    };
    task.place(spec, state);
    Arc::new(task)
}

/// `Turn::settler_leaves`: the settler is done; true if it is the last to know the task, and has freed it.
fn settler_leaves(task: &Task, generation: u32) -> bool {
    !task.shift(generation, State::Settling, State::Settled) && frees(task)
}

/// `Turn::holder_leaves`: the holder is done; true if it is the last.
fn holder_leaves(task: &Task, generation: u32) -> bool {
    !task.shift(generation, State::Settling, State::Left) && frees(task)
}

fn frees(task: &Task) -> bool {
    assert_eq!(
        task.free(u32::MAX).0.result,
        7,
        "freed once, by the last who knows it"
    );
    true
}

/// Settles a task as `Turn::stop` does, and frees it if the holder came first.
fn stop(task: &Task, generation: u32) -> (bool, bool) {
    loop {
        let (state, found) = task.state();
        if found != generation || !matches!(state, State::Waiting | State::Ready | State::Taken) {
            return (false, false);
        }
        if task.shift(generation, state, State::Settling) {
            // SAFETY: this is the settler; loom checks that nobody frees it meanwhile.
            assert_eq!(unsafe { task.spec() }.result, 7);
            return (true, settler_leaves(task, generation));
        }
    }
}

#[test]
fn a_task_that_ends_while_it_is_cancelled_is_settled_once_and_freed_once() {
    loom::model(|| {
        let task = task(State::Taken);
        let (_, generation) = task.state();
        let other = Arc::clone(&task);
        let canceller = thread::spawn(move || stop(&other, generation));
        // `Turn::result`, by the holder.
        // SAFETY: the port holds the task.
        assert_eq!(unsafe { task.spec() }.result, 7);
        let settles = task.shift(generation, State::Taken, State::Settling);
        let freed = if settles {
            frees(&task)
        } else {
            holder_leaves(&task, generation)
        };
        let (cancelled, freed_by_canceller) = canceller.join().unwrap();
        assert_ne!(settles, cancelled, "one outcome");
        assert_ne!(freed, freed_by_canceller, "freed once");
        assert_eq!(task.state(), (State::Free, generation + 1));
    });
}

#[test]
fn a_task_that_is_taken_while_two_cancel_it_is_settled_once() {
    loom::model(|| {
        let task = task(State::Ready);
        let (_, generation) = task.state();
        let cancellers: Vec<_> = (0..2)
            .map(|_| {
                let task = Arc::clone(&task);
                thread::spawn(move || stop(&task, generation))
            })
            .collect();
        // `Turn::write_task`, then `Turn::result` or `Turn::holder_leaves`.
        let taken = task.shift(generation, State::Ready, State::Taken);
        let settles = taken && task.shift(generation, State::Taken, State::Settling);
        let mut freed = u32::from(if settles {
            frees(&task)
        } else {
            holder_leaves(&task, generation)
        });
        let mut outcomes = u32::from(settles);
        for canceller in cancellers {
            let (cancelled, frees) = canceller.join().unwrap();
            outcomes += u32::from(cancelled);
            freed += u32::from(frees);
        }
        assert_eq!((outcomes, freed), (1, 1), "one outcome, freed once");
    });
}

/// No list: the models below have one waiter.
#[derive(Debug)]
struct NoNodes;

impl NodePool for NoNodes {
    fn put(&self, _: u64, _: u64) -> u32 {
        unreachable!("one waiter needs no node")
    }
    fn take(&self, _: u32) -> (u64, u64) {
        unreachable!("one waiter needs no node")
    }
}

#[test]
fn an_object_is_read_settled_and_freed_by_the_last_who_refers_to_it() {
    loom::model(|| {
        let object = Arc::new(Object::default());
        // The task that makes it, and whoever waits for it.
        object.retain();
        object.retain();
        let let_go = |object: &Object| -> bool {
            let last = object.release();
            if last {
                assert_eq!(
                    object.clear(u32::MAX).1.bytes(),
                    b"value",
                    "whoever frees it sees what was written"
                );
            }
            last
        };
        let other = Arc::clone(&object);
        let maker = thread::spawn(move || {
            other.write(Status::Value, Payload::new(b"value"));
            let told = other.waiters.complete().next(&NoNodes);
            (told, let_go(&other))
        });
        let found = object.waiters.subscribe(Waiter::Task(3), &NoNodes) == Subscribed::Done;
        if found {
            assert_eq!(object.outcome().1.bytes(), b"value");
        }
        let freed = let_go(&object);
        let (told, freed_by_maker) = maker.join().unwrap();
        assert_eq!(told.is_none(), found, "told, or it finds it");
        assert_ne!(freed, freed_by_maker, "freed once");
    });
}

/// A node with one worker and no CPU that is free.
#[derive(Debug)]
struct Floor {
    resources: Resources,
    queue: ReadyQueue,
    idle: IdleList,
    bell: Doorbell,
    rings: AtomicU32,
}

impl Floor {
    fn new() -> Self {
        Self {
            resources: Resources::new(0, Vec::new()),
            queue: ReadyQueue::new(2),
            idle: IdleList::new(1),
            bell: Doorbell::default(),
            rings: AtomicU32::new(0),
        }
    }

    /// `Node::has_work`.
    fn has_work(&self) -> bool {
        self.resources.has_cpu(false) && !self.queue.is_empty()
    }

    /// `Node::wake_for_work`.
    fn wake(&self) {
        self.idle.wake(|_| {
            let slept = self.bell.ring();
            self.rings.fetch_add(u32::from(slept), Ordering::Relaxed);
            slept
        });
    }

    /// `Turn::pass_on` of a visit that has made a task ready.
    fn submit(&self) {
        self.queue.push_all(&[1]);
        self.wake();
    }

    /// `Turn::pass_on` of a visit that gives a CPU back.
    fn give_back(&self) {
        self.resources.give_cpu(UNIT);
        Resources::gave();
        if self.has_work() {
            self.wake();
        }
    }

    /// `Node::step` of the worker: true if it took the task, false if it sleeps.
    fn step(&self) -> bool {
        loop {
            self.bell.awake();
            if !self.queue.is_empty() && self.resources.try_cpu(UNIT, false) {
                return self.queue.pop().is_some();
            }
            self.idle.list(0);
            if self
                .bell
                .sleep_unless(|| self.has_work() || !self.idle.is_listed(0))
            {
                return false;
            }
            thread::yield_now();
        }
    }
}

#[test]
fn a_cpu_that_is_given_back_while_a_worker_lies_down_beside_a_task_is_not_missed() {
    loom::model(|| {
        let floor = Arc::new(Floor::new());
        let other = Arc::clone(&floor);
        let giver = thread::spawn(move || other.give_back());
        floor.submit();
        let took = floor.step();
        giver.join().unwrap();
        let rung = floor.rings.load(Ordering::Relaxed) > 0;
        assert!(
            took || rung || !floor.has_work(),
            "asleep beside a task and a CPU"
        );
    });
}

#[test]
fn a_cpu_that_a_worker_gives_back_as_it_lies_down_goes_to_a_task_that_comes() {
    loom::model(|| {
        let floor = Arc::new(Floor::new());
        let other = Arc::clone(&floor);
        let submitter = thread::spawn(move || other.submit());
        floor.give_back();
        let took = floor.step();
        submitter.join().unwrap();
        let rung = floor.rings.load(Ordering::Relaxed) > 0;
        assert!(
            took || rung || !floor.has_work(),
            "asleep beside a task and a CPU"
        );
    });
}
