//! The waiter word: whoever subscribes is told once, or finds the value.

use std::sync::Arc;

use loom::thread;
use mobula_queue::{NodePool, Subscribed, Waiter, WaiterWord};
use mobula_sync::Mutex;
use mobula_sync::cell::UnsafeCell;

/// List nodes under a lock, counted.
#[derive(Debug, Default)]
struct Nodes(Mutex<Vec<Option<(u64, u64)>>>);

impl Nodes {
    fn used(&self) -> usize {
        self.0.lock().iter().flatten().count()
    }
}

impl NodePool for Nodes {
    fn put(&self, waiter: u64, next: u64) -> u32 {
        let mut nodes = self.0.lock();
        let free = nodes.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            nodes.push(None);
            nodes.len() - 1
        });
        nodes[index] = Some((waiter, next));
        index as u32
    }

    fn take(&self, index: u32) -> (u64, u64) {
        self.0.lock()[index as usize]
            .take()
            .expect("a node is taken once")
    }
}

/// An object: a value that is written before the word is completed.
#[derive(Debug, Default)]
struct Object {
    word: WaiterWord,
    nodes: Nodes,
    value: UnsafeCell<u32>,
}

// SAFETY: `value` is written before the word is done and read after; loom checks that it is so.
unsafe impl Sync for Object {}
// SAFETY: as above.
unsafe impl Send for Object {}

impl Object {
    fn read(&self) -> u32 {
        // SAFETY: the caller saw done, or was told.
        self.value.with(|value| unsafe { *value })
    }

    /// Subscribes; true if it is there already, and then so is its value.
    fn finds(&self, waiter: Waiter) -> bool {
        let done = self.word.subscribe(waiter, &self.nodes) == Subscribed::Done;
        if done {
            // The value first: `is_done` would show it by itself.
            assert_eq!(self.read(), 7);
            assert!(self.word.is_done());
        }
        done
    }

    /// Settles the object; gives who was told.
    fn settle(&self) -> Vec<Waiter> {
        // SAFETY: nobody reads before it is done.
        self.value.with_mut(|value| unsafe { *value = 7 });
        let mut waiters = self.word.complete();
        std::iter::from_fn(|| waiters.next(&self.nodes)).collect()
    }
}

fn port(token: u32) -> Waiter {
    Waiter::Port {
        port: 3,
        life: 5,
        token,
        value: token % 2 == 0,
    }
}

fn check(object: &Object, told: &[Waiter], found: &[(Waiter, bool)]) {
    for &(waiter, found) in found {
        let times = told.iter().filter(|&&other| other == waiter).count();
        assert_eq!(
            times,
            usize::from(!found),
            "{waiter:?}: told {told:?}, found {found}"
        );
    }
    assert_eq!(object.nodes.used(), 0, "all nodes are given back");
}

#[test]
fn a_waiter_that_races_with_completion_is_told_once_or_finds_the_value() {
    loom::model(|| {
        let object = Arc::new(Object::default());
        let other = Arc::clone(&object);
        let waiter = thread::spawn(move || other.finds(Waiter::Task(5)));
        let told = object.settle();
        let found = waiter.join().unwrap();
        check(&object, &told, &[(Waiter::Task(5), found)]);
    });
}

#[test]
fn two_waiters_that_race_with_each_other_and_completion_are_each_told_once() {
    loom::model(|| {
        let object = Arc::new(Object::default());
        let waiters: Vec<_> = [port(0), port(1)]
            .into_iter()
            .map(|waiter| {
                let object = Arc::clone(&object);
                thread::spawn(move || (waiter, object.finds(waiter)))
            })
            .collect();
        let told = object.settle();
        let found: Vec<_> = waiters.into_iter().map(|waiter| waiter.join().unwrap()).collect();
        check(&object, &told, &found);
    });
}

#[test]
fn a_list_that_grows_during_completion_is_told_completely() {
    loom::model(|| {
        let object = Arc::new(Object::default());
        assert!(!object.finds(Waiter::Task(0)));
        assert!(!object.finds(port(2)));
        let other = Arc::clone(&object);
        let completer = thread::spawn(move || other.settle());
        let third = object.finds(port(3));
        let told = completer.join().unwrap();
        check(
            &object,
            &told,
            &[(Waiter::Task(0), false), (port(2), false), (port(3), third)],
        );
    });
}
