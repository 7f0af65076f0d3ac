//! Eviction to disk and back, and what happens when the disk fails.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::PathBuf;

use crate::support::{A, B, Directory, assert_empty, bytes, content, evict_all, page, pattern, release_all};
use mobula_store::{CreateError, MapError, SpillProblem, Store, StoreConfig};

#[test]
fn more_than_fits_goes_to_disk_and_comes_back() {
    let directory = Directory::new();
    let store = directory.store(8);
    let data: Vec<_> = (0..12).map(|seed| pattern(seed, 2 * page() - 100)).collect();
    let ids: Vec<_> = data.iter().map(|data| store.put(data, A).unwrap()).collect();
    let stats = store.stats();
    assert_eq!((stats.used, stats.spills), (8 * page() as u64, 8));
    assert_eq!(stats.spilled, 8 * data[0].len() as u64);
    // The least recently used went first.
    let resident: Vec<_> = ids.iter().map(|&id| store.is_resident(id)).collect();
    assert_eq!(resident, [[false; 8].as_slice(), &[true; 4]].concat());
    for (&id, data) in ids.iter().zip(&data) {
        let mapping = store.map(id, B).unwrap();
        assert_eq!(bytes(&mapping), data);
        store.unmap(mapping.view);
    }
    assert!(store.stats().restores >= 8);
    assert!(store.stats().warm <= store.stats().capacity);
    release_all(&store, ids);
    assert_empty(&store);
    assert_eq!(directory.spilled_bytes(), 0);
}

#[test]
fn the_file_has_no_name_takes_one_descriptor_and_is_gone_with_the_store() {
    let directory = Directory::new();
    let store = directory.store(4);
    let ids = [0, 1].map(|seed| store.put(&pattern(seed, page()), A).unwrap());
    evict_all(&store);
    assert_eq!(directory.inside(), [] as [PathBuf; 0]);
    let file = directory.spill_file();
    let data = file.metadata().unwrap();
    assert_eq!((data.nlink(), data.permissions().mode() & 0o777), (0, 0o600));
    assert_eq!(data.blocks() * 512, 2 * page() as u64);
    // Another store in the same directory has its own.
    let other = directory.store(4);
    assert_eq!(directory.spill_files().len(), 3);
    drop(other);
    assert_eq!(content(&store, ids[0]), pattern(0, page()));
    drop((store, file));
    assert_eq!(directory.spill_files(), [] as [PathBuf; 0]);
}

#[test]
fn the_disk_is_free_again_when_buffers_are_released() {
    let directory = Directory::new();
    let store = directory.store(8);
    let ids: Vec<_> = (0..8)
        .map(|seed| store.put(&pattern(seed, page()), A).unwrap())
        .collect();
    evict_all(&store);
    let file = directory.spill_file();
    let (odd, even): (Vec<_>, Vec<_>) = ids.into_iter().enumerate().partition(|(index, _)| index % 2 == 1);
    let blocks = || file.metadata().unwrap().blocks() * 512 / page() as u64;
    release_all(&store, odd.into_iter().map(|(_, id)| id));
    assert_eq!(blocks(), 4);
    // What comes next goes where the others were.
    let more: Vec<_> = (8..12)
        .map(|seed| store.put(&pattern(seed, page()), A).unwrap())
        .collect();
    evict_all(&store);
    assert_eq!(file.metadata().unwrap().len(), 8 * page() as u64);
    for (seed, &id) in (8..12).zip(&more) {
        assert_eq!(content(&store, id), pattern(seed, page()));
    }
    for (index, id) in &even {
        assert_eq!(content(&store, *id), pattern(*index as u32, page()));
    }
    release_all(&store, even.into_iter().map(|(_, id)| id).chain(more));
    assert_eq!(blocks(), 0);
    assert_empty(&store);
}

#[test]
fn mapped_buffers_stay_and_evicting_again_writes_nothing() {
    let directory = Directory::new();
    let store = directory.store(8);
    let pinned = store.put(&pattern(1, page()), A).unwrap();
    let view = store.map(pinned, A).unwrap().view;
    let id = store.put(&pattern(2, page()), A).unwrap();
    evict_all(&store);
    assert!(store.is_resident(pinned) && !store.is_resident(id));
    let written = || directory.spill_file().metadata().unwrap().modified().unwrap();
    let before = written();
    assert_eq!(content(&store, id), pattern(2, page()));
    evict_all(&store);
    assert!(!store.is_resident(id));
    assert_eq!(written(), before);
    assert_eq!(content(&store, id), pattern(2, page()));
    store.unmap(view);
    store.release(pinned);
    store.release(id);
    assert_empty(&store);
}

#[test]
fn damaged_content_is_an_error_and_never_wrong_bytes() {
    fn flip(file: &File, at: u64) {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        byte[0] ^= 1;
        file.write_all_at(&byte, at).unwrap();
    }
    type Damage = fn(&File);
    let cases: [(Damage, SpillProblem); 6] = [
        (|file| file.set_len(100).unwrap(), SpillProblem::Length),
        (|file| file.set_len(0).unwrap(), SpillProblem::Length),
        (
            |file| {
                file.set_len(0).unwrap();
                file.set_len(1 << 20).unwrap();
            },
            SpillProblem::Checksum,
        ),
        (|file| flip(file, 0), SpillProblem::Checksum),
        (|file| flip(file, 5000), SpillProblem::Checksum),
        // What another buffer had there.
        (
            |file| file.write_all_at(&pattern(2, page()), 0).unwrap(),
            SpillProblem::Checksum,
        ),
    ];
    for (damage, expected) in cases {
        let directory = Directory::new();
        let store = directory.store(8);
        let id = store.put(&pattern(1, 2 * page() + 9), A).unwrap();
        evict_all(&store);
        damage(&directory.spill_file());
        for _ in 0..2 {
            let mut out = [7; 4];
            for error in [
                store.map(id, A).unwrap_err(),
                store.read(id, 0, &mut out).unwrap_err(),
            ] {
                let MapError::Lost { buffer, problem } = error else {
                    panic!("{expected:?}: {error}")
                };
                assert_eq!((buffer, problem), (id, expected));
            }
            assert_eq!(out, [7; 4]);
        }
        assert_eq!(store.stats().used, 0);
        store.release(id);
        assert_empty(&store);
    }
}

#[test]
fn a_disk_that_refuses_is_an_error_and_loses_nothing() {
    let directory = Directory::new();
    let missing = directory.path().join("missing");
    let capacity = 4 * page() as u64;
    let config = StoreConfig {
        capacity,
        spill_directory: missing.clone(),
        memory_limit: None,
        max_mappings: None,
    };
    let store = Store::open(config).unwrap();
    let ids: Vec<_> = (0..4)
        .map(|seed| store.put(&pattern(seed, page()), A).unwrap())
        .collect();
    let error = store.put(b"more", A).unwrap_err();
    assert!(matches!(error, CreateError::Spill { needed: 4, .. }), "{error:?}");
    for (&id, seed) in ids.iter().zip(0..) {
        assert_eq!(content(&store, id), pattern(seed, page()));
    }
    // It works as soon as the disk does.
    fs::create_dir(&missing).unwrap();
    let more = store.put(b"more", A).unwrap();
    release_all(&store, ids.into_iter().chain([more]));
    assert_empty(&store);
    drop(store);
    fs::remove_dir(missing).unwrap();
}

#[test]
fn no_room_to_come_back_is_an_error_until_there_is() {
    let directory = Directory::new();
    let store = directory.store(4);
    let id = store.put(&pattern(1, 2 * page()), A).unwrap();
    evict_all(&store);
    let (_, writer) = store.create(3 * page() as u64, B).unwrap();
    let error = store.map(id, A).unwrap_err();
    let MapError::Full(full) = &error else {
        panic!("{error:?}")
    };
    assert_eq!((full.needed, full.holders.len()), (2 * page() as u64, 1));
    store.release_env(B);
    store.unmap(writer.view);
    assert_eq!(content(&store, id), pattern(1, 2 * page()));
    store.release(id);
    assert_empty(&store);
}
