use std::sync::Arc;
use std::thread;

use mobula_queue::{ReadyCounter, ReadyQueue, Ring};
use mobula_sync::atomic::{AtomicU32, Ordering};

const PRODUCERS: u32 = 3;
const EACH: u32 = 50_000;

/// What the threads of a stress test push and pop.
trait Queue: Send + Sync + 'static {
    fn push(&self, items: &[u32]);
    fn pop(&self) -> Option<u32>;
}

impl Queue for Ring {
    fn push(&self, items: &[u32]) {
        for &item in items {
            while self.push(item).is_err() {
                thread::yield_now();
            }
        }
    }

    fn pop(&self) -> Option<u32> {
        self.pop()
    }
}

impl Queue for ReadyQueue {
    fn push(&self, items: &[u32]) {
        self.push_all(items);
    }

    fn pop(&self) -> Option<u32> {
        self.pop()
    }
}

/// Producers push their numbers in order; every number is popped once, and each consumer sees each
/// producer's numbers in order.
fn stress(queue: impl Queue, consumers: usize) {
    let queue = Arc::new(queue);
    let left = Arc::new(AtomicU32::new(PRODUCERS * EACH));
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                let items: Vec<u32> = (producer * EACH..(producer + 1) * EACH).collect();
                for chunk in items.chunks(7) {
                    queue.push(chunk);
                }
            })
        })
        .collect();
    let consumers: Vec<_> = (0..consumers)
        .map(|_| {
            let (queue, left) = (Arc::clone(&queue), Arc::clone(&left));
            thread::spawn(move || {
                let mut taken = Vec::new();
                while left.load(Ordering::Relaxed) > 0 {
                    if let Some(item) = queue.pop() {
                        left.fetch_sub(1, Ordering::Relaxed);
                        taken.push(item);
                    } else {
                        thread::yield_now();
                    }
                }
                taken
            })
        })
        .collect();
    for producer in producers {
        producer.join().unwrap();
    }
    let mut all = Vec::new();
    for consumer in consumers {
        let taken = consumer.join().unwrap();
        for producer in 0..PRODUCERS {
            let of_one = taken.iter().filter(|&&item| item / EACH == producer);
            assert!(of_one.is_sorted(), "the order of producer {producer}");
        }
        all.extend(taken);
    }
    all.sort_unstable();
    assert!(all.into_iter().eq(0..PRODUCERS * EACH), "each number once");
    assert_eq!(queue.pop(), None);
}

#[test]
fn a_ring_gives_items_in_the_order_in_which_they_came() {
    let ring = Ring::new(4);
    for lap in 0..10 {
        for item in 0..4 {
            assert_eq!(ring.push(lap * 4 + item), Ok(()));
        }
        assert_eq!(ring.len(), 4);
        for item in 0..4 {
            assert_eq!(ring.pop(), Some(lap * 4 + item));
        }
        assert_eq!(ring.pop(), None);
        assert!(ring.is_empty());
    }
}

#[test]
fn a_full_ring_gives_the_item_back() {
    let ring = Ring::new(2);
    assert_eq!(ring.push(1), Ok(()));
    assert_eq!(ring.push(2), Ok(()));
    assert_eq!(ring.push(3), Err(3));
    assert_eq!(ring.pop(), Some(1));
    assert_eq!(ring.push(3), Ok(()));
}

#[test]
#[should_panic(expected = "capacity must be a power of two")]
fn a_ring_of_three_places_is_refused() {
    let _ = Ring::new(3);
}

#[test]
fn a_ready_queue_keeps_the_order_past_its_ring() {
    let queue = ReadyQueue::new(4);
    let items: Vec<u32> = (0..1000).collect();
    queue.push_all(&items[..10]);
    assert_eq!(queue.pop(), Some(0));
    queue.push_all(&items[10..]);
    assert_eq!(queue.len(), 999);
    for &item in &items[1..] {
        assert_eq!(queue.pop(), Some(item));
    }
    assert_eq!(queue.pop(), None);
    assert!(queue.is_empty());
}

#[test]
fn a_ready_queue_that_has_overflowed_is_lock_free_again_once_it_is_short() {
    let queue = ReadyQueue::new(2);
    queue.push_all(&[1, 2, 3]);
    assert_eq!(
        [queue.pop(), queue.pop(), queue.pop()],
        [Some(1), Some(2), Some(3)]
    );
    queue.push_all(&[4]);
    assert_eq!(queue.len(), 1);
    assert_eq!(queue.pop(), Some(4));
}

#[test]
fn only_the_last_arrival_is_the_last() {
    let counter = ReadyCounter::default();
    counter.arm(3);
    assert_eq!(
        [counter.arrive(), counter.arrive(), counter.arrive()],
        [false, false, true]
    );
}

#[test]
fn a_small_ring_under_load_loses_nothing() {
    stress(Ring::new(8), 2);
}

#[test]
fn a_large_ring_under_load_loses_nothing() {
    stress(Ring::new(1 << 14), 3);
}

#[test]
fn an_overflowing_ready_queue_under_load_loses_nothing() {
    stress(ReadyQueue::new(8), 2);
}

#[test]
fn one_consumer_sees_every_producers_order_through_the_overflow() {
    stress(ReadyQueue::new(2), 1);
}
