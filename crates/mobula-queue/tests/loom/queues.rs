//! The ring and the ready queue: nothing lost, nothing twice, each producer's order kept.

use std::sync::Arc;

use loom::thread;
use mobula_queue::{ReadyCounter, ReadyQueue, Ring};
use mobula_sync::cell::UnsafeCell;

/// Takes until the queue seems empty, at most `most` times.
fn some(most: usize, pop: impl Fn() -> Option<u32>) -> Vec<u32> {
    (0..most).map_while(|_| pop()).collect()
}

/// Whether the items of one producer, those from `first` up to `first + 9`, come in ascending order.
fn in_order(taken: &[u32], first: u32) -> bool {
    let of_one: Vec<u32> = taken
        .iter()
        .copied()
        .filter(|item| item / 10 == first / 10)
        .collect();
    of_one.is_sorted()
}

fn sorted(mut items: Vec<u32>) -> Vec<u32> {
    items.sort_unstable();
    items
}

#[test]
fn two_producers_and_a_consumer_lose_nothing_and_keep_each_producers_order() {
    loom::model(|| {
        let ring = Arc::new(Ring::new(4));
        let other = Arc::clone(&ring);
        let first = thread::spawn(move || {
            other.push(10).unwrap();
            other.push(11).unwrap();
        });
        let other = Arc::clone(&ring);
        let second = thread::spawn(move || other.push(20).unwrap());
        let mut taken = some(3, || ring.pop());
        first.join().unwrap();
        second.join().unwrap();
        taken.extend(some(4, || ring.pop()));
        assert!(in_order(&taken, 10), "{taken:?}");
        assert_eq!(sorted(taken), [10, 11, 20]);
    });
}

#[test]
fn two_consumers_share_what_one_producer_pushes() {
    loom::model(|| {
        let ring = Arc::new(Ring::new(2));
        let consumers: Vec<_> = (0..2)
            .map(|_| {
                let ring = Arc::clone(&ring);
                thread::spawn(move || some(2, || ring.pop()))
            })
            .collect();
        ring.push(10).unwrap();
        ring.push(11).unwrap();
        let mut all = Vec::new();
        for consumer in consumers {
            let taken = consumer.join().unwrap();
            assert!(in_order(&taken, 10), "{taken:?}");
            all.extend(taken);
        }
        all.extend(some(3, || ring.pop()));
        assert_eq!(sorted(all), [10, 11]);
    });
}

#[test]
fn a_ring_of_two_places_wraps_and_gives_back_what_does_not_fit() {
    loom::model(|| {
        let ring = Arc::new(Ring::new(2));
        let other = Arc::clone(&ring);
        let producer = thread::spawn(move || -> Vec<u32> {
            (10..14).filter(|&item| other.push(item).is_ok()).collect()
        });
        let mut taken = some(3, || ring.pop());
        let pushed = producer.join().unwrap();
        taken.extend(some(3, || ring.pop()));
        // One producer: what was taken is what was pushed, in that order.
        assert_eq!(taken, pushed);
        assert!(pushed.len() >= 2, "two places were free");
    });
}

#[test]
fn an_overflowing_queue_loses_nothing_and_keeps_each_producers_order() {
    loom::model(|| {
        let queue = Arc::new(ReadyQueue::new(2));
        let other = Arc::clone(&queue);
        let producer = thread::spawn(move || {
            other.push_all(&[10, 11]);
            other.push_all(&[12]);
        });
        queue.push_all(&[20, 21]);
        let mut taken = some(2, || queue.pop());
        producer.join().unwrap();
        taken.extend(some(6, || queue.pop()));
        assert!(in_order(&taken, 10) && in_order(&taken, 20), "{taken:?}");
        assert_eq!(sorted(taken), [10, 11, 12, 20, 21]);
        assert!(queue.is_empty());
    });
}

#[test]
fn two_consumers_of_an_overflowing_queue_take_everything_once() {
    loom::model(|| {
        let queue = Arc::new(ReadyQueue::new(2));
        queue.push_all(&[10, 11, 12]);
        let other = Arc::clone(&queue);
        let consumer = thread::spawn(move || some(2, || other.pop()));
        let mut all = some(2, || queue.pop());
        assert!(in_order(&all, 10), "{all:?}");
        let taken = consumer.join().unwrap();
        assert!(in_order(&taken, 10), "{taken:?}");
        all.extend(taken);
        all.extend(some(3, || queue.pop()));
        assert_eq!(sorted(all), [10, 11, 12]);
    });
}

#[test]
fn exactly_one_arrival_is_the_last_and_sees_what_the_others_wrote() {
    loom::model(|| {
        let counter = Arc::new(ReadyCounter::default());
        counter.arm(3);
        let cells = Arc::new([UnsafeCell::new(0_u32), UnsafeCell::new(0), UnsafeCell::new(0)]);
        let arrive = |place: usize| {
            let (counter, cells) = (Arc::clone(&counter), Arc::clone(&cells));
            move || {
                // SAFETY: each thread writes a place of its own before it arrives.
                cells[place].with_mut(|cell| unsafe { *cell = 1 });
                let last = counter.arrive();
                if last {
                    // SAFETY: the last arrival comes after all writes; loom checks that it does.
                    let sum: u32 = cells.iter().map(|cell| cell.with(|cell| unsafe { *cell })).sum();
                    assert_eq!(sum, 3);
                }
                last
            }
        };
        let others = [thread::spawn(arrive(0)), thread::spawn(arrive(1))];
        let mut lasts = u32::from(arrive(2)());
        for other in others {
            lasts += u32::from(other.join().unwrap());
        }
        assert_eq!(lasts, 1);
    });
}

#[test]
fn who_joins_arrives_before_the_last_or_finds_that_all_have_arrived() {
    loom::model(|| {
        let counter = Arc::new(ReadyCounter::default());
        counter.arm(2);
        let freed = Arc::new(UnsafeCell::new(false));
        let arrive = |(counter, freed): (Arc<ReadyCounter>, Arc<UnsafeCell<bool>>)| {
            let last = counter.arrive();
            if last {
                // SAFETY: the last arrival comes after all others, and nobody joins after it; loom checks that.
                freed.with_mut(|freed| unsafe { *freed = true });
            }
            last
        };
        let both = || (Arc::clone(&counter), Arc::clone(&freed));
        let others = [both(), both()].map(|both| thread::spawn(move || arrive(both)));
        let mut lasts = 0;
        if counter.join() {
            // SAFETY: the last arrival has not been made while this one is missing.
            assert!(!freed.with(|freed| unsafe { *freed }));
            lasts += u32::from(arrive(both()));
        }
        for other in others {
            lasts += u32::from(other.join().unwrap());
        }
        assert_eq!(lasts, 1);
    });
}
