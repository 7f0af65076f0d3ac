//! Eviction to disk and back, and what happens when the disk fails.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

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
    assert!(directory.files("obj").is_empty() && directory.files("tmp").is_empty());
}

#[test]
fn the_directory_is_private_made_when_needed_and_removed_with_the_store() {
    let directory = Directory::new();
    let store = directory.store(4);
    let id = store.put(&pattern(0, page()), A).unwrap();
    assert!(directory.inside().is_empty());
    evict_all(&store);
    let [made] = &directory.inside()[..] else {
        panic!("one directory")
    };
    assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
    let [file] = &directory.files("obj")[..] else {
        panic!("one file")
    };
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(file).unwrap().len(), page() as u64 + 32);
    // Another store on the same directory leaves it alone.
    drop(directory.store(4));
    assert_eq!(content(&store, id), pattern(0, page()));
    drop(store);
    assert!(directory.inside().is_empty());
}

#[test]
fn what_a_killed_process_left_goes_when_a_store_opens() {
    let directory = Directory::new();
    let left = directory.path().join("mobula-spill-1-2");
    fs::create_dir(&left).unwrap();
    for name in ["lock", "0000000000000000.obj"] {
        fs::write(left.join(name), "x").unwrap();
    }
    let other = directory.path().join("other");
    fs::create_dir(&other).unwrap();
    drop(directory.store(4));
    assert_eq!(directory.inside(), std::slice::from_ref(&other));
    fs::remove_dir(other).unwrap();
}

#[test]
fn what_was_left_half_made_or_half_removed_goes_as_well() {
    // A process killed while it made its directory, which has no name of its own before it is locked, or while it
    // removed it, left it for ever.
    let directory = Directory::new();
    for name in [".mobula-spill-1-2", ".mobula-spill-1-3", "mobula-spill-1-4"] {
        fs::create_dir(directory.path().join(name)).unwrap();
    }
    fs::write(directory.path().join(".mobula-spill-1-3/lock"), "").unwrap();
    drop(directory.store(4));
    assert!(directory.inside().is_empty());
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
    let file = &directory.files("obj")[0];
    let written = fs::metadata(file).unwrap().ino();
    assert_eq!(content(&store, id), pattern(2, page()));
    evict_all(&store);
    assert!(!store.is_resident(id));
    assert_eq!(fs::metadata(file).unwrap().ino(), written);
    assert_eq!(content(&store, id), pattern(2, page()));
    store.unmap(view);
    store.release(pinned);
    store.release(id);
    assert_empty(&store);
}

#[test]
fn a_damaged_file_is_an_error_and_never_wrong_bytes() {
    fn flip_at(path: &Path, at: usize) {
        let mut bytes = fs::read(path).unwrap();
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    type Damage = fn(&Path);
    let cases: [(Damage, SpillProblem); 7] = [
        (|path| fs::remove_file(path).unwrap(), SpillProblem::Missing),
        (
            |path| {
                let file = OpenOptions::new().write(true).open(path).unwrap();
                file.set_len(100).unwrap();
            },
            SpillProblem::Length,
        ),
        (|path| fs::write(path, "").unwrap(), SpillProblem::Length),
        (|path| flip_at(path, 0), SpillProblem::Header),
        (|path| flip_at(path, 25), SpillProblem::Header),
        (|path| flip_at(path, 32 + 5000), SpillProblem::Checksum),
        (
            |path| {
                let copy = path.with_extension("copy");
                fs::rename(path, &copy).unwrap();
                symlink(copy, path).unwrap();
            },
            SpillProblem::Missing,
        ),
    ];
    for (damage, expected) in cases {
        let directory = Directory::new();
        let store = directory.store(8);
        let id = store.put(&pattern(1, 2 * page() + 9), A).unwrap();
        evict_all(&store);
        damage(&directory.files("obj")[0]);
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
fn the_file_of_another_buffer_is_not_taken_for_this_one() {
    let directory = Directory::new();
    let store = directory.store(8);
    let ids = [1, 2].map(|seed| store.put(&pattern(seed, page()), A).unwrap());
    evict_all(&store);
    let mut files = directory.files("obj");
    files.sort();
    fs::copy(&files[1], &files[0]).unwrap();
    let problem = store.map(ids[0], A).unwrap_err();
    assert!(
        matches!(
            problem,
            MapError::Lost {
                problem: SpillProblem::Header,
                ..
            }
        ),
        "{problem:?}"
    );
    assert_eq!(content(&store, ids[1]), pattern(2, page()));
    release_all(&store, ids);
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
    store.restore(id).unwrap();
    assert!(store.is_resident(id));
    assert_eq!(content(&store, id), pattern(1, 2 * page()));
    store.release(id);
    assert_empty(&store);
}

#[test]
fn removing_the_directory_at_exit_loses_only_what_is_on_disk() {
    let directory = Directory::new();
    let store = directory.store(4);
    let id = store.put(&pattern(1, page()), A).unwrap();
    evict_all(&store);
    let kept = store.put(&pattern(2, page()), A).unwrap();
    store.remove_spill_directory();
    assert!(directory.inside().is_empty());
    assert!(matches!(
        store.restore(id),
        Err(MapError::Lost {
            problem: SpillProblem::Missing,
            ..
        })
    ));
    assert_eq!(content(&store, kept), pattern(2, page()));
    // And a new one is made if the process goes on after all.
    evict_all(&store);
    assert_eq!(content(&store, kept), pattern(2, page()));
}
