//! Measures `put` and `map`: `cargo run --release -p mobula-store --example throughput`.

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use mobula_store::{EnvId, Store, StoreConfig};

const SIZE: u32 = 100 << 20;
const ROUNDS: usize = 15;
const ENV: EnvId = EnvId(1);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source: Vec<u8> = (0..SIZE).map(|index| (index % 251) as u8).collect();
    let store = open();
    let mut target = vec![1_u8; SIZE as usize];
    for _ in 0..2 {
        put_and_release(&store, &source);
    }
    // In turn, so that what else the machine does falls on all of them.
    let mut times: [Vec<Duration>; 5] = Default::default();
    for _ in 0..ROUNDS {
        times[0].push(timed(|| {
            black_box(&mut target).copy_from_slice(black_box(&source));
        }));
        times[1].push(timed(|| put_and_release(&store, black_box(&source))));
        // A zeroed allocation of this size comes from `mmap` untouched.
        let mut fresh = vec![0_u8; SIZE as usize];
        times[2].push(timed(|| {
            black_box(&mut fresh).copy_from_slice(black_box(&source));
        }));
        drop(fresh);
        let new = open();
        times[3].push(timed(|| put_and_release(&new, black_box(&source))));
        times[4].push(timed(|| put_and_release(&new, black_box(&source))));
    }
    let [memcpy, put, fresh_memcpy, new_put, second_put] = times.map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 2]
    });
    let mut out = std::io::stdout().lock();
    let rate = |time: Duration| f64::from(SIZE) / time.as_secs_f64() / 1e9;
    let ratio = |ours: Duration, theirs: Duration| theirs.as_secs_f64() / ours.as_secs_f64();
    writeln!(out, "100 MiB, median of {ROUNDS}")?;
    writeln!(out, "memcpy into warm memory    {:6.2} GB/s", rate(memcpy))?;
    writeln!(
        out,
        "put into a warm store      {:6.2} GB/s  {:.2} x",
        rate(put),
        ratio(put, memcpy)
    )?;
    writeln!(out, "memcpy into fresh memory   {:6.2} GB/s", rate(fresh_memcpy))?;
    let against = ratio(new_put, fresh_memcpy);
    writeln!(
        out,
        "put into a new store       {:6.2} GB/s  {against:.2} x",
        rate(new_put)
    )?;
    writeln!(out, "the second put into it     {:6.2} GB/s", rate(second_put))?;
    for size in [4096, 1 << 20, SIZE as usize] {
        let id = store.put(&source[..size], ENV)?;
        let rounds = 10_000;
        let took = timed(|| {
            for _ in 0..rounds {
                store.unmap(store.map(id, ENV).expect("it is in memory").view);
            }
        });
        writeln!(
            out,
            "map and unmap of {size:>9} bytes, untouched: {:?}",
            took / rounds
        )?;
        store.release(id);
    }
    for size in [1 << 10, 16 << 10, 256 << 10] {
        let rounds = 10_000;
        let took = timed(|| {
            for _ in 0..rounds {
                store.release(store.put(black_box(&source[..size]), ENV).expect("there is room"));
            }
        });
        writeln!(out, "put and release of {size:>7} bytes: {:?}", took / rounds)?;
    }
    Ok(())
}

fn open() -> Store {
    let spill_directory = std::env::temp_dir();
    Store::open(StoreConfig {
        capacity: 1 << 30,
        spill_directory,
        memory_limit: None,
        max_mappings: None,
    })
    .expect("it can be opened")
}

fn put_and_release(store: &Store, bytes: &[u8]) {
    store.release(store.put(bytes, ENV).expect("there is room"));
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
