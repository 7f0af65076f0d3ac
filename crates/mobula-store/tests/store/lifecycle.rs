//! What a caller sees of one buffer's life, in memory.

use crate::support::{A, B, Directory, assert_empty, bytes, content, evict_all, page, pattern, release_all};
use mobula_store::{Bound, CreateError, MapError, OpenError, SealError, Store, StoreConfig};

#[test]
fn what_was_put_is_read_and_mapped() {
    let directory = Directory::new();
    let store = directory.store(64);
    for len in [0, 1, page() - 1, page(), page() + 1, 9 * page() + 17] {
        let data = pattern(3, len);
        let id = store.put(&data, A).unwrap();
        assert_eq!(store.len(id), len as u64);
        assert!(store.is_resident(id));
        assert_eq!(content(&store, id), data);
        let mapping = store.map(id, A).unwrap();
        assert_eq!(bytes(&mapping), data);
        assert_eq!(mapping.ptr.align_offset(page()), 0);
        store.unmap(mapping.view);
        store.release(id);
    }
    assert_empty(&store);
}

#[test]
fn writes_through_a_view_are_seen_through_that_view_only() {
    let directory = Directory::new();
    let store = directory.store(64);
    let data = pattern(1, 5 * page());
    let id = store.put(&data, A).unwrap();
    let (mine, theirs) = (store.map(id, A).unwrap(), store.map(id, B).unwrap());
    bytes(&mine).fill(0xff);
    assert_eq!(bytes(&theirs), data);
    assert_eq!(content(&store, id), data);
    let later = store.map(id, B).unwrap();
    assert_eq!(bytes(&later), data);
    assert!(bytes(&mine).iter().all(|&byte| byte == 0xff));
    for mapping in [mine, theirs, later] {
        store.unmap(mapping.view);
    }
    store.release(id);
    assert_empty(&store);
}

#[test]
fn a_created_buffer_is_zero_and_holds_what_was_written_once_sealed() {
    let directory = Directory::new();
    let store = directory.store(16);
    // Make the pages warm and dirty.
    store.release(store.put(&vec![0xff; 16 * page()], A).unwrap());
    let len = 3 * page() + 5;
    let (id, writer) = store.create(len as u64, A).unwrap();
    assert!(bytes(&writer).iter().all(|&byte| byte == 0));
    assert!(matches!(store.map(id, B), Err(MapError::NotSealed(unsealed)) if unsealed == id));
    assert!(matches!(store.read(id, 0, &mut [0]), Err(MapError::NotSealed(_))));
    assert!(!store.is_resident(id));
    let data = pattern(9, len);
    bytes(&writer).copy_from_slice(&data);
    assert_eq!(store.seal(writer.view), Ok(id));
    assert_eq!(content(&store, id), data);
    assert_eq!(store.seal(writer.view), Err(SealError::NotWriting(writer.view)));
    store.release(id);
    assert_empty(&store);
}

#[test]
fn sealing_ends_the_writers_view() {
    let directory = Directory::new();
    let store = directory.store(16);
    let (id, writer) = store.create(page() as u64, A).unwrap();
    store.seal(writer.view).unwrap();
    assert_eq!(store.stats().views, 0);
    // What comes late from the writer changes nothing.
    store.unmap(writer.view);
    store.abort(writer.view);
    assert!(store.is_resident(id));
    store.release(id);
    assert_empty(&store);
}

#[test]
fn only_the_writers_view_can_be_sealed() {
    let directory = Directory::new();
    let store = directory.store(16);
    let id = store.put(b"sealed", A).unwrap();
    let reader = store.map(id, A).unwrap();
    assert_eq!(store.seal(reader.view), Err(SealError::NotWriting(reader.view)));
    store.abort(reader.view);
    assert_eq!(bytes(&reader), b"sealed");
    store.unmap(reader.view);
    store.release(id);
}

#[test]
fn an_aborted_buffer_is_gone_unless_someone_else_has_a_reference() {
    let directory = Directory::new();
    let store = directory.store(16);
    let (_, writer) = store.create(100, A).unwrap();
    store.abort(writer.view);
    store.abort(writer.view);
    store.unmap(writer.view);
    assert_empty(&store);

    let (id, writer) = store.create(100, A).unwrap();
    store.retain(id);
    store.unmap(writer.view);
    assert_eq!(store.stats().used, 0);
    assert!(matches!(store.map(id, B), Err(MapError::Aborted(_))));
    store.release(id);
    assert_empty(&store);
}

#[test]
fn a_view_outlives_the_references_and_keeps_its_pages() {
    let directory = Directory::new();
    let store = directory.store(4);
    let data = pattern(5, 2 * page());
    let id = store.put(&data, A).unwrap();
    let mapping = store.map(id, A).unwrap();
    store.release(id);
    let others: Vec<_> = (0..2)
        .map(|seed| store.put(&pattern(seed, page()), A).unwrap())
        .collect();
    assert_eq!(bytes(&mapping), data);
    assert!(matches!(
        store.put(&pattern(0, 3 * page()), A),
        Err(CreateError::Full(_))
    ));
    store.unmap(mapping.view);
    store.unmap(mapping.view);
    for id in others {
        store.release(id);
    }
    assert_empty(&store);
}

#[test]
fn releasing_an_environment_ends_its_views_and_unsealed_buffers_only() {
    let directory = Directory::new();
    let store = directory.store(16);
    let id = store.put(b"kept", A).unwrap();
    let (mine, theirs) = (store.map(id, A).unwrap(), store.map(id, B).unwrap());
    let (_, _unsealed) = store.create(page() as u64, A).unwrap();
    let (sealed, writer) = store.create(page() as u64, A).unwrap();
    store.seal(writer.view).unwrap();
    store.adopt(id);
    store.adopt(sealed);
    store.release_env(A);
    store.release_env(A);
    store.unmap(mine.view);
    let stats = store.stats();
    assert_eq!((stats.views, stats.buffers), (1, 2));
    assert_eq!(bytes(&theirs), b"kept");
    assert!(matches!(store.seal(writer.view), Err(SealError::NotWriting(_))));
    store.release_env(B);
    store.release(id);
    store.release(sealed);
    assert_empty(&store);
}

#[test]
fn what_an_environment_has_stored_and_told_nobody_goes_with_it() {
    // A thread that was stopped while it stored something never learned the buffer's name: the buffer stayed for ever.
    let directory = Directory::new();
    let store = directory.store(4);
    let put = store.put(b"put", A).unwrap();
    let view = store.map(put, B).unwrap();
    let (_, writer) = store.create(page() as u64, A).unwrap();
    store.seal(writer.view).unwrap();
    let theirs = store.put(b"theirs", B).unwrap();
    evict_all(&store);
    store.release_env(A);
    let stats = store.stats();
    assert_eq!(
        (stats.buffers, stats.views),
        (2, 1),
        "one for its view, one for its environment"
    );
    assert_eq!(bytes(&view), b"put");
    store.adopt(theirs);
    store.release_env(B);
    assert_eq!(content(&store, theirs), b"theirs");
    store.release(theirs);
    assert_empty(&store);
}

#[test]
fn a_full_store_names_who_holds_what() {
    let directory = Directory::new();
    let store = directory.store(8);
    let small = store.put(&pattern(0, page()), A).unwrap();
    let large = store.put(&pattern(0, 3 * page()), A).unwrap();
    let views = [(small, A), (large, B), (large, A)].map(|(id, env)| store.map(id, env).unwrap().view);
    let (unsealed, writer) = store.create(2 * page() as u64, B).unwrap();
    let spillable = store.put(&pattern(0, page()), A).unwrap();
    let error = store.put(&pattern(0, 4 * page()), A).unwrap_err();
    let CreateError::Full(full) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (full.needed, full.capacity),
        (4 * page() as u64, 8 * page() as u64)
    );
    assert_eq!(full.bound, Bound::Capacity);
    let holders: Vec<_> = full
        .holders
        .iter()
        .map(|holder| (holder.buffer, holder.writing))
        .collect();
    assert_eq!(holders, [(large, false), (unsealed, true), (small, false)]);
    assert_eq!(full.holders[0].envs, [A, B]);
    let text = error.to_string();
    assert!(
        text.contains("buffer 1 (12288 bytes, in use by environment 1 by environment 2)"),
        "{text}"
    );
    // Nothing was evicted in vain.
    assert!(store.is_resident(spillable) && store.stats().spills == 0);
    for view in views {
        store.unmap(view);
    }
    store.abort(writer.view);
    release_all(&store, [small, large, spillable]);
    assert_empty(&store);
}

#[test]
fn what_is_larger_than_the_store_is_refused_at_once() {
    let directory = Directory::new();
    let store = directory.store(8);
    let id = store.put(&pattern(0, page()), A).unwrap();
    assert!(matches!(
        store.put(&pattern(0, 9 * page()), A),
        Err(CreateError::Full(_))
    ));
    assert!(matches!(store.create(u64::MAX, A), Err(CreateError::Full(_))));
    assert!(store.is_resident(id));
    store.release(id);
}

#[test]
fn a_store_needs_room_for_a_page() {
    let open = |capacity| {
        Store::open(StoreConfig {
            capacity,
            spill_directory: std::env::temp_dir(),
            memory_limit: None,
            max_mappings: None,
        })
    };
    assert!(matches!(open(0), Err(OpenError::Capacity { .. })));
    assert!(matches!(open(u64::MAX), Err(OpenError::Capacity { .. })));
}

#[test]
fn a_memory_limit_that_is_reached_forbids_growing() {
    let directory = Directory::new();
    let capacity = 64 * page() as u64;
    let open = |memory_limit| {
        let spill_directory = directory.path().to_owned();
        Store::open(StoreConfig {
            capacity,
            spill_directory,
            memory_limit,
            max_mappings: None,
        })
        .unwrap()
    };
    let error = open(Some(1)).put(b"anything", A).unwrap_err();
    assert!(
        matches!(&error, CreateError::Full(full) if full.bound == Bound::Memory(1)),
        "{error:?}"
    );
    assert!(error.to_string().contains("memory limit of 1 bytes"));
}

#[test]
fn ranges_outside_a_buffer_are_refused() {
    let directory = Directory::new();
    let store = directory.store(16);
    let data = pattern(2, 3 * page());
    let id = store.put(&data, A).unwrap();
    let mut out = vec![0; 100];
    store.read(id, page() as u64 - 50, &mut out).unwrap();
    assert_eq!(out, data[page() - 50..page() + 50]);
    store.read(id, data.len() as u64, &mut []).unwrap();
    for offset in [data.len() as u64 - 99, u64::MAX] {
        assert!(matches!(
            store.read(id, offset, &mut out),
            Err(MapError::OutOfRange { .. })
        ));
    }
    store.release(id);
    assert!(matches!(store.read(id, 0, &mut out), Err(MapError::Unknown(_))));
}

#[test]
fn a_large_buffer_is_whole_wherever_its_pages_are() {
    let directory = Directory::new();
    let store = directory.store(6000);
    let data = pattern(4, 3001 * page() + 7);
    // Fresh pages in two arenas, then the same pages reused and faulted in, then a mix of both.
    for len in [data.len(), data.len(), data.len() / 2, data.len()] {
        let id = store.put(&data[..len], A).unwrap();
        assert_eq!(content(&store, id), data[..len]);
        let mapping = store.map(id, A).unwrap();
        assert_eq!(bytes(&mapping), &data[..len]);
        store.unmap(mapping.view);
        store.release(id);
    }
    assert_empty(&store);
}

#[test]
#[should_panic(expected = "buffer 0 has no reference to give back")]
fn releasing_what_is_gone_is_a_mistake() {
    let store = Store::open(StoreConfig {
        capacity: 1 << 20,
        spill_directory: std::env::temp_dir(),
        memory_limit: None,
        max_mappings: None,
    });
    let store = store.unwrap();
    let id = store.put(b"once", A).unwrap();
    store.release(id);
    store.release(id);
}

#[test]
fn pages_that_could_not_be_made_huge_are_tried_again_after_twice_as_many_views() {
    let directory = Directory::new();
    let pages = 4 * mobula_shm::huge_pages() as usize;
    let store = directory.store(pages);
    let stored = pattern(1, pages / 2 * page());
    let id = store.put(&stored, A).unwrap();
    let mut tries = Vec::new();
    for views in 1..=16 {
        let view = store.map(id, A).unwrap();
        assert_eq!(bytes(&view), stored, "after {views} views");
        store.unmap(view.view);
        if store.make_huge() {
            tries.push(views);
            assert!(!store.make_huge(), "once each time");
        }
    }
    assert_eq!(tries, [4, 8, 16]);
    store.release(id);
}
