use std::collections::HashSet;
use std::sync::{Arc, Barrier};
use std::thread;

use mobula_queue::{NodePool, Subscribed, Waiter, WaiterWord};
use mobula_sync::Mutex;

#[derive(Debug, Default)]
struct Nodes(Mutex<Vec<Option<(u64, u64)>>>);

impl NodePool for Nodes {
    fn put(&self, waiter: u64, next: u64) -> u32 {
        let mut nodes = self.0.lock();
        nodes.push(Some((waiter, next)));
        nodes.len() as u32 - 1
    }

    fn take(&self, index: u32) -> (u64, u64) {
        self.0.lock()[index as usize]
            .take()
            .expect("a node is taken once")
    }
}

impl Nodes {
    fn used(&self) -> usize {
        self.0.lock().iter().flatten().count()
    }
}

fn told(word: &WaiterWord, nodes: &Nodes) -> Vec<Waiter> {
    let mut waiters = word.complete();
    std::iter::from_fn(|| waiters.next(nodes)).collect()
}

#[test]
fn every_kind_of_waiter_comes_out_as_it_went_in() {
    let nodes = Nodes::default();
    let all = [
        Waiter::Task(0),
        Waiter::Task(u32::MAX),
        Waiter::Port {
            port: 0,
            life: 0,
            token: 0,
            value: false,
        },
        Waiter::Port {
            port: (1 << 14) - 1,
            life: 0,
            token: (1 << 31) - 1,
            value: true,
        },
        Waiter::Port {
            port: 0,
            life: Waiter::LIVES - 1,
            token: 0,
            value: false,
        },
    ];
    for waiter in all {
        let word = WaiterWord::default();
        assert_eq!(word.subscribe(waiter, &nodes), Subscribed::Waiting);
        assert_eq!(told(&word, &nodes), [waiter]);
    }
    let word = WaiterWord::default();
    for waiter in all {
        assert_eq!(word.subscribe(waiter, &nodes), Subscribed::Waiting);
    }
    assert_eq!(nodes.used(), all.len() - 1, "the first sits in the word");
    let mut latest_first = all;
    latest_first.reverse();
    assert_eq!(told(&word, &nodes), latest_first);
    assert_eq!(nodes.used(), 0);
}

#[test]
fn a_late_waiter_finds_the_object_done_until_the_word_is_reset() {
    let nodes = Nodes::default();
    let word = WaiterWord::default();
    assert!(!word.is_done());
    assert_eq!(told(&word, &nodes), []);
    assert!(word.is_done());
    assert_eq!(word.subscribe(Waiter::Task(1), &nodes), Subscribed::Done);
    word.reset();
    assert!(!word.is_done());
    assert_eq!(word.subscribe(Waiter::Task(1), &nodes), Subscribed::Waiting);
    assert_eq!(told(&word, &nodes), [Waiter::Task(1)]);
}

#[test]
fn waiters_that_race_with_completion_are_told_once_or_find_it_done() {
    const THREADS: u32 = 3;
    for round in 0..2000 {
        let shared = Arc::new((
            WaiterWord::default(),
            Nodes::default(),
            Barrier::new(THREADS as usize + 1),
        ));
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let (word, nodes, barrier) = &*shared;
                    barrier.wait();
                    let first = word.subscribe(Waiter::Task(number * 2), nodes);
                    let second = word.subscribe(Waiter::Task(number * 2 + 1), nodes);
                    assert!(first == Subscribed::Waiting || second == Subscribed::Done);
                    [first, second]
                })
            })
            .collect();
        let (word, nodes, barrier) = &*shared;
        barrier.wait();
        if round % 2 == 0 {
            thread::yield_now();
        }
        let told = told(word, nodes);
        let distinct: HashSet<u32> = told
            .iter()
            .map(|waiter| match waiter {
                Waiter::Task(task) => *task,
                Waiter::Port { .. } => unreachable!("only tasks wait"),
            })
            .collect();
        assert_eq!(distinct.len(), told.len(), "told twice");
        for (number, thread) in (0..).zip(threads) {
            let [first, second] = thread.join().unwrap();
            assert_eq!(distinct.contains(&(number * 2)), first == Subscribed::Waiting);
            assert_eq!(
                distinct.contains(&(number * 2 + 1)),
                second == Subscribed::Waiting
            );
        }
        assert_eq!(nodes.used(), 0);
    }
}
