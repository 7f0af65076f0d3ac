//! The store's page allocator beside a first-fit list, both behind a mutex as in the store, and beside malloc: one of
//! many live runs is given back and another taken.
#![expect(missing_docs, reason = "criterion_main makes items")]

use std::hint::black_box;
use std::ops::Range;
use std::sync::Mutex;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

// The allocator is private to the store, which is its only user but this one.
#[expect(dead_code, reason = "giving memory back to the system is not measured")]
#[path = "../../../crates/mobula-store/src/pages.rs"]
mod pages;
#[path = "../../../crates/mobula-store/src/runs.rs"]
mod runs;

use pages::{PageAllocator, Piece};

const PAGE: usize = 4096;
const PAGES: u32 = 1 << 18;
const LIVE: [usize; 2] = [100, 10_000];
const LONGEST: u64 = 16;

/// What all of them can do.
trait Allocator {
    type Run;
    fn take(&self, pages: u32) -> Self::Run;
    fn give(&self, run: Self::Run);
}

struct Store(Mutex<PageAllocator>);

impl Allocator for Store {
    type Run = Range<u32>;
    fn take(&self, pages: u32) -> Range<u32> {
        let mut allocator = self.0.lock().expect("no holder panics");
        let fit = allocator.fit(pages).expect("there is room");
        allocator.take(&fit.pages);
        fit.pages
    }
    fn give(&self, pages: Range<u32>) {
        self.0
            .lock()
            .expect("no holder panics")
            .give(&Piece { pages, warm: true });
    }
}

/// Free runs in order of address: the first that is long enough is taken, neighbours are joined.
struct FirstFit(Mutex<Vec<Range<u32>>>);

impl Allocator for FirstFit {
    type Run = Range<u32>;
    fn take(&self, pages: u32) -> Range<u32> {
        let mut free = self.0.lock().expect("no holder panics");
        let at = free
            .iter()
            .position(|run| run.end - run.start >= pages)
            .expect("there is room");
        let start = free[at].start;
        free[at].start += pages;
        if free[at].is_empty() {
            free.remove(at);
        }
        start..start + pages
    }
    fn give(&self, run: Range<u32>) {
        let mut free = self.0.lock().expect("no holder panics");
        let at = free.partition_point(|other| other.start < run.start);
        let joins_next = free.get(at).is_some_and(|next| next.start == run.end);
        let joins_last = at > 0 && free[at - 1].end == run.start;
        match (joins_last, joins_next) {
            (true, true) => {
                free[at - 1].end = free[at].end;
                free.remove(at);
            }
            (true, false) => free[at - 1].end = run.end,
            (false, true) => free[at].start = run.start,
            (false, false) => free.insert(at, run),
        }
    }
}

struct Malloc;

impl Allocator for Malloc {
    type Run = Vec<u8>;
    fn take(&self, pages: u32) -> Vec<u8> {
        black_box(Vec::with_capacity(pages as usize * PAGE))
    }
    fn give(&self, run: Vec<u8>) {
        drop(black_box(run));
    }
}

/// A fixed sequence of numbers that looks like none (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn churn(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, live: usize, allocator: &impl Allocator) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut length = || 1 + random.below(LONGEST) as u32;
    let mut runs: Vec<_> = (0..live).map(|_| Some(allocator.take(length()))).collect();
    let mut which = Random(0xd1b5_4a32_d192_ed03);
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let slot = &mut runs[which.below(live as u64) as usize];
            if let Some(run) = slot.take() {
                allocator.give(run);
            }
            *slot = Some(allocator.take(length()));
        });
    });
    for run in runs.into_iter().flatten() {
        allocator.give(run);
    }
}

fn benchmarks(criterion: &mut Criterion) {
    for live in LIVE {
        let mut group = criterion.benchmark_group(format!("allocator: give back and take, {live} live runs"));
        group.throughput(Throughput::Elements(1));
        churn(
            &mut group,
            "mobula PageAllocator",
            live,
            &Store(Mutex::new(PageAllocator::new(PAGES))),
        );
        #[expect(clippy::single_range_in_vec_init, reason = "one free run, not its pages")]
        let all = vec![0..PAGES];
        churn(&mut group, "first fit", live, &FirstFit(Mutex::new(all)));
        churn(&mut group, "malloc", live, &Malloc);
        group.finish();
    }
}

criterion_group!(allocator, benchmarks);
criterion_main!(allocator);
