//! Whether a view was written into, by whomever.

use std::fs::File;
use std::io::{Read, Write};
use std::thread;

use mobula_store::{Mapping, Store, ViewId};

use crate::support::{A, Directory, assert_empty, bytes, page, pattern};

fn map_new(store: &Store, len: usize) -> Mapping {
    let id = store.put(&pattern(5, len), A).unwrap();
    let mapping = store.map(id, A).unwrap();
    // The view keeps the buffer.
    store.release(id);
    mapping
}

#[test]
fn a_view_is_unwritten_until_any_byte_is_written() {
    let directory = Directory::new();
    let store = directory.store(64);
    let len = 9 * page() + 17;
    for at in [0, 1, page(), 5 * page() - 1, len - 1] {
        for touch in [false, true] {
            let mapping = map_new(&store, len);
            assert!(store.is_unwritten(mapping.view));
            if touch {
                assert_eq!(bytes(&mapping), pattern(5, len));
                assert!(store.is_unwritten(mapping.view));
            }
            assert!(store.is_unwritten(mapping.view));
            // Even what was there: it is the page that counts.
            bytes(&mapping)[at] = pattern(5, len)[at];
            assert!(!store.is_unwritten(mapping.view));
            assert!(!store.is_unwritten(mapping.view));
            store.unmap(mapping.view);
            assert!(!store.is_unwritten(mapping.view));
        }
    }
    assert_empty(&store);
}

#[test]
fn the_rest_of_the_last_page_belongs_to_the_view() {
    let directory = Directory::new();
    let store = directory.store(16);
    for len in [0, 1, page() + 1] {
        let mapping = map_new(&store, len);
        assert!(store.is_unwritten(mapping.view));
        let last = len.max(1).next_multiple_of(page()) - 1;
        // SAFETY: the mapping has whole pages, and this thread alone uses it.
        unsafe { mapping.ptr.add(last).write_volatile(1) };
        assert!(!store.is_unwritten(mapping.view));
        store.unmap(mapping.view);
    }
}

#[test]
fn unknown_views_and_writers_views_are_not_unwritten() {
    let directory = Directory::new();
    let store = directory.store(16);
    let (_, writer) = store.create(1, A).unwrap();
    assert!(!store.is_unwritten(writer.view));
    assert!(!store.is_unwritten(ViewId(u64::MAX)));
    store.abort(writer.view);
    assert!(!store.is_unwritten(writer.view));
}

#[test]
fn another_view_of_the_same_buffer_says_nothing_about_this_one() {
    let directory = Directory::new();
    let store = directory.store(16);
    let id = store.put(&pattern(1, 3 * page()), A).unwrap();
    let [mine, theirs] = [0, 1].map(|_| store.map(id, A).unwrap());
    bytes(&theirs).fill(1);
    assert!(store.is_unwritten(mine.view) && !store.is_unwritten(theirs.view));
    store.unmap(mine.view);
    store.unmap(theirs.view);
    store.release(id);
}

#[test]
fn what_another_thread_writes_is_seen() {
    let directory = Directory::new();
    let store = directory.store(16);
    for round in 0..100 {
        let mapping = map_new(&store, 4 * page());
        assert!(store.is_unwritten(mapping.view));
        let at = round % 4 * page();
        thread::scope(|scope| {
            let (store, mapping) = (&store, &mapping);
            let (tell, told) = std::sync::mpsc::channel();
            let (answer, answered) = std::sync::mpsc::channel();
            let writer = &mut bytes(mapping)[at];
            scope.spawn(move || {
                *writer = 1;
                tell.send(()).unwrap();
                // While the thread lives, and after.
                let () = answered.recv().unwrap();
            });
            told.recv().unwrap();
            assert!(!store.is_unwritten(mapping.view));
            answer.send(()).unwrap();
        });
        assert!(!store.is_unwritten(mapping.view));
        store.unmap(mapping.view);
    }
}

#[test]
fn what_the_kernel_writes_is_seen_and_what_it_reads_is_none() {
    let directory = Directory::new();
    let store = directory.store(16);
    let mapping = map_new(&store, 4 * page());
    let path = directory.path().join("content");
    File::create(&path).unwrap().write_all(bytes(&mapping)).unwrap();
    assert!(store.is_unwritten(mapping.view));
    assert!(store.is_unwritten(mapping.view));
    let target = &mut bytes(&mapping)[2 * page()..][..1];
    File::open(&path).unwrap().read_exact(target).unwrap();
    assert!(!store.is_unwritten(mapping.view));
    store.unmap(mapping.view);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn both_pieces_of_a_view_count() {
    const PAGES: usize = 3000;
    let directory = Directory::new();
    let data = pattern(5, PAGES * page());
    for at in [0, PAGES / 2 - 1, PAGES / 2, PAGES - 1] {
        // New each time, as only fresh pages are taken from both lanes.
        let store = directory.store(4000);
        let id = store.put(&data, A).unwrap();
        let mapping = store.map(id, A).unwrap();
        assert_eq!(pieces(&mapping), 2);
        assert!(store.is_unwritten(mapping.view));
        assert!(bytes(&mapping) == data);
        assert!(store.is_unwritten(mapping.view));
        bytes(&mapping)[at * page()] = 0;
        assert!(!store.is_unwritten(mapping.view), "page {at}");
    }
}

/// How many mappings of arenas begin within the view.
fn pieces(mapping: &Mapping) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let range = mapping.ptr.addr()..mapping.ptr.addr() + mapping.len;
    maps.lines()
        .filter(|line| line.contains("mobula-"))
        .filter_map(|line| usize::from_str_radix(line.split('-').next()?, 16).ok())
        .filter(|start| range.contains(start))
        .count()
}

#[test]
fn checks_and_ends_of_views_in_many_threads_never_miss_a_write() {
    let directory = Directory::new();
    let store = directory.store(256);
    let id = store.put(&pattern(5, 32 * page()), A).unwrap();
    thread::scope(|scope| {
        for number in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..500 {
                    let mapping = store.map(id, A).unwrap();
                    assert!(store.is_unwritten(mapping.view));
                    assert_eq!(
                        bytes(&mapping)[round % 32 * page()],
                        pattern(5, 32 * page())[round % 32 * page()]
                    );
                    assert!(store.is_unwritten(mapping.view));
                    // Another's, which may end or come to be at any time: any answer, but no harm.
                    let _ = store.is_unwritten(ViewId(mapping.view.0 ^ 1));
                    bytes(&mapping)[(round + number) % 32 * page()] = 0;
                    assert!(!store.is_unwritten(mapping.view));
                    store.unmap(mapping.view);
                    assert!(!store.is_unwritten(mapping.view));
                }
            });
        }
    });
    store.release(id);
    assert_empty(&store);
}
