//! Models of the states of tasks and objects, run in every interleaving that loom can think of: `npm run test:loom`.

use std::sync::Arc;

use loom::thread;
use mobula_queue::{NodePool, Subscribed, Waiter};

use crate::object::{Object, Status};
use crate::payload::Payload;
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

/// `Turn::settled`: the settler is done; true if it is the last to know the task, and has freed it.
fn settled(task: &Task, generation: u32) -> bool {
    !task.shift(generation, State::Settling, State::Settled) && frees(task)
}

/// `Turn::let_go`: the holder is done; true if it is the last.
fn let_go(task: &Task, generation: u32) -> bool {
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
            return (true, settled(task, generation));
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
            let_go(&task, generation)
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
        // `Turn::write_task`, then `Turn::result` or `Turn::let_go`.
        let taken = task.shift(generation, State::Ready, State::Taken);
        let settles = taken && task.shift(generation, State::Taken, State::Settling);
        let mut freed = u32::from(if settles {
            frees(&task)
        } else {
            let_go(&task, generation)
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
                    object.clear(u32::MAX).0.bytes(),
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
