//! Mappings that are kept for further views, and how many there may be.

use mobula_store::{BufferId, MapError, Store, StoreConfig};

use crate::support::{A, B, Directory, assert_empty, bytes, evict_all, page, pattern, release_all};

/// Whether the kernel tells what was written to; before 6.7 no mapping is kept.
fn kernel_tells(store: &Store) -> bool {
    let id = store.put(b"trial", A).unwrap();
    for _ in 0..2 {
        store.unmap(store.map(id, A).unwrap().view);
    }
    let tells = store.stats().spares == 1;
    store.release(id);
    assert_eq!(store.stats().spares, 0);
    tells
}

/// Looks at a buffer twice: from the second view on, mappings may be kept.
fn view_twice(store: &Store, id: BufferId) {
    for _ in 0..2 {
        let view = store.map(id, A).unwrap();
        std::hint::black_box(bytes(&view).iter().fold(0, |sum, &byte| sum ^ byte));
        store.unmap(view.view);
    }
}

#[test]
fn a_mapping_is_used_again_unless_something_was_written_into_it() {
    let directory = Directory::new();
    let store = directory.store(64);
    let tells = kernel_tells(&store);
    let data = pattern(1, 5 * page() - 7);
    let id = store.put(&data, A).unwrap();
    view_twice(&store, id);
    assert_eq!(store.stats().spares, u64::from(tells));
    let kept = store.map(id, A).unwrap();
    assert_eq!((store.stats().spares, bytes(&kept) == data), (0, true));
    for at in [0, page() - 1, 2 * page(), data.len() - 1] {
        let written = store.map(id, B).unwrap();
        bytes(&written)[at] ^= 1;
        let other = store.map(id, A).unwrap();
        assert!(bytes(&other) == data, "byte {at} shows in another view");
        store.unmap(written.view);
        assert_eq!(
            store.stats().spares,
            0,
            "the mapping that was written to at {at} is gone"
        );
        let next = store.map(id, B).unwrap();
        assert!(bytes(&next) == data, "byte {at} shows in the next view");
        store.unmap(next.view);
        assert!(bytes(&kept) == data);
        store.unmap(other.view);
        assert_eq!(store.stats().spares, 2 * u64::from(tells));
        // Both are taken again: nothing is left for the next round.
        let both = [store.map(id, A).unwrap(), store.map(id, A).unwrap()];
        assert!(both.iter().all(|view| bytes(view) == data));
        for view in both {
            bytes(&view).fill(0);
            store.unmap(view.view);
        }
    }
    store.unmap(kept.view);
    store.release(id);
    assert_empty(&store);
}

#[test]
fn what_is_viewed_once_leaves_no_mapping() {
    let directory = Directory::new();
    let store = directory.store(64);
    let id = store.put(b"once", A).unwrap();
    store.unmap(store.map(id, A).unwrap().view);
    assert_eq!(store.stats().spares, 0);
    store.release(id);
}

#[test]
fn the_views_that_end_with_their_environment_are_given_to_nobody() {
    let directory = Directory::new();
    let store = directory.store(64);
    let id = store.put(b"theirs", B).unwrap();
    store.adopt(id);
    let views = [(); 3].map(|()| store.map(id, A).unwrap());
    store.release_env(A);
    assert_eq!(store.stats().spares, 0);
    for view in views {
        store.unmap(view.view);
    }
    assert_eq!(store.stats().spares, 0);
    store.release(id);
    assert_empty(&store);
}

#[test]
fn mappings_go_with_what_they_show() {
    let directory = Directory::new();
    let store = directory.store(64);
    let tells = u64::from(kernel_tells(&store));
    // Freed, and its number used by another.
    let first = store.put(&pattern(1, page()), A).unwrap();
    view_twice(&store, first);
    assert_eq!(store.stats().spares, tells);
    store.release(first);
    assert_eq!(store.stats().spares, 0);
    let second = store.put(&pattern(2, page()), A).unwrap();
    assert_eq!(second, first);
    let view = store.map(second, A).unwrap();
    assert!(bytes(&view) == pattern(2, page()));
    store.unmap(view.view);
    // Moved to disk, and back in other pages.
    view_twice(&store, second);
    assert_eq!(store.stats().spares, tells);
    evict_all(&store);
    assert_eq!(store.stats().spares, 0);
    let filler = store.put(&pattern(3, 30 * page()), A).unwrap();
    let view = store.map(second, A).unwrap();
    assert!(bytes(&view) == pattern(2, page()));
    // Freed while it has a view: nobody can ask for another.
    store.release(second);
    store.unmap(view.view);
    assert_eq!(store.stats().spares, 0);
    release_all(&store, [filler]);
    assert_empty(&store);
}

#[test]
fn as_many_mappings_are_kept_as_may_be_and_the_oldest_go() {
    const MOST: u64 = 256;
    let directory = Directory::new();
    let store = directory.store(64);
    let tells = u64::from(kernel_tells(&store));
    let [old, new] = [1, 2].map(|seed| store.put(&pattern(seed, page()), A).unwrap());
    let end = |id, count| {
        let views: Vec<_> = (0..count).map(|_| store.map(id, A).unwrap().view).collect();
        for view in views {
            store.unmap(view);
        }
    };
    end(old, 100);
    end(new, MOST + 10);
    assert_eq!(store.stats().spares, MOST * tells);
    store.release(new);
    assert_eq!(store.stats().spares, 0, "those of the older buffer went first");
    store.release(old);
}

#[test]
fn mappings_of_small_pages_end_when_the_pages_become_huge() {
    let directory = Directory::new();
    // Fewer than are put into both arenas.
    let pages = mobula_shm::huge_pages() as usize + 10;
    let store = directory.store(2 * pages);
    let tells = u64::from(kernel_tells(&store));
    let data = pattern(5, pages * page());
    let id = store.put(&data, A).unwrap();
    let held: Vec<_> = (0..4).map(|_| store.map(id, A).unwrap()).collect();
    view_twice(&store, id);
    assert_eq!(store.stats().spares, tells);
    assert!(store.make_huge());
    assert_eq!(store.stats().spares, 0);
    let view = store.map(id, A).unwrap();
    let is_huge = view.ptr.addr().is_multiple_of(2 << 20);
    assert!(bytes(&view) == data);
    store.unmap(view.view);
    assert_eq!(store.stats().spares, tells);
    if is_huge {
        // Those of before end with their views: they stay mappings of small pages.
        for view in &held {
            assert!(bytes(view) == data);
            store.unmap(view.view);
        }
        let by_chance = held.iter().filter(|view| view.ptr.addr().is_multiple_of(2 << 20));
        assert_eq!(store.stats().spares, (1 + by_chance.count() as u64) * tells);
    }
    store.release_env(A);
    assert_empty(&store);
}

#[test]
fn a_view_too_many_is_refused_by_name_until_another_has_ended() {
    const MOST: usize = 10;
    let directory = Directory::new();
    let open = || {
        Store::open(StoreConfig {
            capacity: 64 * page() as u64,
            spill_directory: directory.path().to_owned(),
            memory_limit: None,
            max_mappings: Some(MOST as u32),
        })
    };
    let store = open().unwrap();
    let ids = [1, 2].map(|seed| store.put(&pattern(seed, page()), A).unwrap());
    // Spares are the first to go.
    let views: Vec<_> = (0..MOST).map(|_| store.map(ids[0], A).unwrap().view).collect();
    for view in views {
        store.unmap(view);
    }
    let mut views: Vec<_> = (0..MOST).map(|_| store.map(ids[1], A).unwrap()).collect();
    assert_eq!(store.stats().spares, 0);
    for _ in 0..2 {
        let error = store.map(ids[0], A).unwrap_err();
        let named =
            matches!(error, MapError::Mappings { buffer, most } if buffer == ids[0] && most == MOST as u32);
        assert!(named, "{error:?}");
        assert!(error.to_string().contains("vm.max_map_count"), "{error}");
    }
    // What needs no mapping goes on.
    let copied = crate::support::content(&store, ids[0]);
    assert!(copied == pattern(1, page()));
    let (_, writer) = store.create(page() as u64, A).unwrap();
    store.abort(writer.view);
    store.unmap(views.remove(0).view);
    let view = store.map(ids[0], A).unwrap();
    assert!(bytes(&view) == pattern(1, page()) && views.iter().all(|view| bytes(view) == pattern(2, page())));
    store.release_env(A);
    assert_empty(&store);
}
