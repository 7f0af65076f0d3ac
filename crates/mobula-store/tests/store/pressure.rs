//! Against a memory limit: `cargo test -p mobula-store --test store -- --ignored pressure`.
//!
//! What else runs on the machine counts too, so these are not for every run.

use std::ops::Range;

use mobula_store::{Store, StoreConfig};

use crate::support::{A, Directory, pattern};

#[test]
#[ignore = "writes twice the memory limit to disk: only for a control group of a few hundred MiB"]
fn putting_twice_the_memory_limit_spills_instead_of_being_killed() {
    let limit = mobula_shm::memory_limit().unwrap();
    let directory = Directory::new();
    let spill_directory = directory.path().to_owned();
    let store = Store::open(StoreConfig {
        capacity: 4 * limit,
        spill_directory,
        memory_limit: None,
        max_mappings: None,
    })
    .unwrap();
    let len = 8 << 20;
    let seeds = 0..u32::try_from(2 * limit / len).unwrap();
    let len = usize::try_from(len).unwrap();
    fill_and_check(&store, seeds, len);
}

#[test]
#[ignore = "fails when something else on the machine takes a few hundred MiB meanwhile"]
fn a_store_spills_before_it_grows_into_the_headroom() {
    const ROOM: u64 = 256 << 20;
    let used = mobula_shm::memory().iter().map(|bound| bound.used).max().unwrap();
    // A tenth of the limit is headroom.
    let limit = (used + ROOM) / 9 * 10;
    let directory = Directory::new();
    let spill_directory = directory.path().to_owned();
    let config = StoreConfig {
        capacity: 4 * ROOM,
        spill_directory,
        memory_limit: Some(limit),
        max_mappings: None,
    };
    let store = Store::open(config).unwrap();
    fill_and_check(&store, 0..64, 8 << 20);
    assert!(store.stats().warm < 2 * ROOM, "{:?}", store.stats());
}

fn fill_and_check(store: &Store, seeds: Range<u32>, len: usize) {
    let ids: Vec<_> = seeds
        .clone()
        .map(|seed| store.put(&pattern(seed, len), A).unwrap())
        .collect();
    assert!(store.stats().spills > 0, "{:?}", store.stats());
    let mut out = vec![0; 4096];
    for (id, seed) in ids.into_iter().zip(seeds) {
        store.read(id, 0, &mut out).unwrap();
        assert_eq!(out, pattern(seed, 4096));
        store.release(id);
    }
}
