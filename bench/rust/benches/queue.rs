//! The ready queue beside crossbeam's queues and a deque behind a plain mutex: alone, and with two threads at each end.
#![expect(missing_docs, reason = "criterion_main makes items")]

use std::collections::VecDeque;
use std::hint::{black_box, spin_loop};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_queue::{ArrayQueue, SegQueue};
use mobula_queue::{ReadyQueue, Ring};

const CAPACITY: usize = 1024;
/// What a worker is handed at a time.
const BATCH: usize = 32;

/// What all of them can do.
trait Queue: Sync {
    /// False when there is no room.
    fn push(&self, item: u32) -> bool;
    fn pop(&self) -> Option<u32>;
}

impl Queue for Ring {
    fn push(&self, item: u32) -> bool {
        Ring::push(self, item).is_ok()
    }
    fn pop(&self) -> Option<u32> {
        Ring::pop(self)
    }
}

impl Queue for ReadyQueue {
    fn push(&self, item: u32) -> bool {
        self.push_all(&[item]);
        true
    }
    fn pop(&self) -> Option<u32> {
        ReadyQueue::pop(self)
    }
}

impl Queue for ArrayQueue<u32> {
    fn push(&self, item: u32) -> bool {
        ArrayQueue::push(self, item).is_ok()
    }
    fn pop(&self) -> Option<u32> {
        ArrayQueue::pop(self)
    }
}

impl Queue for SegQueue<u32> {
    fn push(&self, item: u32) -> bool {
        SegQueue::push(self, item);
        true
    }
    fn pop(&self) -> Option<u32> {
        SegQueue::pop(self)
    }
}

impl Queue for Mutex<VecDeque<u32>> {
    fn push(&self, item: u32) -> bool {
        self.lock().expect("no holder panics").push_back(item);
        true
    }
    fn pop(&self) -> Option<u32> {
        self.lock().expect("no holder panics").pop_front()
    }
}

/// One thread fills in a batch and empties the queue again.
fn alone(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, queue: &impl Queue) {
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            for item in 0..BATCH as u32 {
                assert!(queue.push(black_box(item)), "a batch fits");
            }
            while let Some(item) = queue.pop() {
                black_box(item);
            }
        });
    });
}

/// `items` go through the queue from as many producers to as many consumers, and all of them arrive.
fn through(queue: &impl Queue, pairs: u64, items: u64) -> Duration {
    let share = items.div_ceil(pairs);
    let start = Barrier::new(2 * pairs as usize + 1);
    thread::scope(|scope| {
        let mut ends = Vec::new();
        for _ in 0..pairs {
            scope.spawn(|| {
                start.wait();
                for item in 0..share {
                    while !queue.push(item as u32) {
                        spin_loop();
                        thread::yield_now();
                    }
                }
            });
            ends.push(scope.spawn(|| {
                start.wait();
                let mut left = share;
                while left > 0 {
                    match queue.pop() {
                        Some(item) => {
                            black_box(item);
                            left -= 1;
                        }
                        None => thread::yield_now(),
                    }
                }
            }));
        }
        start.wait();
        let began = Instant::now();
        for end in ends {
            end.join().expect("a consumer panicked");
        }
        began.elapsed()
    })
}

fn crossing(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, pairs: u64, queue: &impl Queue) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|rounds| through(queue, pairs, rounds * 1000));
    });
}

fn benchmarks(criterion: &mut Criterion) {
    let ring = Ring::new(CAPACITY);
    let ready = ReadyQueue::new(CAPACITY);
    let array = ArrayQueue::new(CAPACITY);
    let segments = SegQueue::new();
    let mutex = Mutex::new(VecDeque::with_capacity(CAPACITY));

    let mut group = criterion.benchmark_group("queue: 32 in, 32 out, one thread");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("mobula ReadyQueue, as one batch", |bencher| {
        let batch: Vec<u32> = (0..BATCH as u32).collect();
        bencher.iter(|| {
            ready.push_all(black_box(&batch));
            while let Some(item) = ready.pop() {
                black_box(item);
            }
        });
    });
    alone(&mut group, "mobula ReadyQueue", &ready);
    alone(&mut group, "mobula Ring", &ring);
    alone(&mut group, "crossbeam ArrayQueue", &array);
    alone(&mut group, "crossbeam SegQueue", &segments);
    alone(&mut group, "Mutex<VecDeque>", &mutex);
    group.finish();

    for pairs in [1, 2] {
        let mut group = criterion.benchmark_group(format!("queue: {pairs} producer(s), {pairs} consumer(s)"));
        group.throughput(Throughput::Elements(1000));
        crossing(&mut group, "mobula ReadyQueue", pairs, &ready);
        crossing(&mut group, "mobula Ring", pairs, &ring);
        crossing(&mut group, "crossbeam ArrayQueue", pairs, &array);
        crossing(&mut group, "crossbeam SegQueue", pairs, &segments);
        crossing(&mut group, "Mutex<VecDeque>", pairs, &mutex);
        group.finish();
    }
}

criterion_group!(queue, benchmarks);
criterion_main!(queue);
